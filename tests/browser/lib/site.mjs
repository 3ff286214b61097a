// The server that is looked at, and who looks at it.
//
// SIDEBYSIDE_URL    where it is; it runs in development mode with the sample data
// SIDEBYSIDE_TOKEN  the token for scripts that it printed when it started

const url = process.env.SIDEBYSIDE_URL
const token = process.env.SIDEBYSIDE_TOKEN
if (!url || !token) {
  console.error(
    'Say which server to look at: SIDEBYSIDE_URL=http://127.0.0.1:8080 SIDEBYSIDE_TOKEN=… node tests/browser/run.mjs\n' +
      '(it prints both when it starts), or let cargo start one: cargo test --test it browser::'
  )
  process.exit(2)
}

/** Where the server is, without a slash at its end. */
export const site = new URL(url).origin

/** People of the sample (fixtures/README.md), each in a role; `at` names their partner. */
export const people = {
  amina: { name: 'Amina Example', role: 'commissioner' },
  tom: { name: 'Tom Sample', role: 'commissioner' },
  grace: { name: 'Grace Placeholder', role: 'commissioner' },
  olu: { name: 'Olu Specimen', role: 'approver' },
  nadia: { name: 'Nadia Fictional', role: 'approver' },
  bronwen: { name: 'Bronwen Invented', role: 'finance' },
  kofi: { name: 'Kofi Madeup', role: 'finance' },
  rosa: { name: 'Rosa Imaginary', role: 'inclusion' },
  wilf: { name: 'Wilf Fabricated', role: 'inclusion' },
  jamie: { name: 'Jamie Pretend', role: 'advisor' },
  auditor: { name: 'Vera Testcase', role: 'auditor' },
  lena: { name: 'Lena Dummy', role: 'partner_admin', at: 'Bramble and Tidewrack Growers' },
  ravi: { name: 'Ravi Mockup', role: 'partner_worker', at: 'Bramble and Tidewrack Growers' },
  dee: { name: 'Dee Pseudonym', role: 'partner_admin', at: 'Plover Way Walkers' },
  gus: { name: 'Gus Nonesuch', role: 'partner_admin', at: 'Driftbench Workshop' },
  joan: { name: 'Joan Mockname', role: 'partner_admin', at: 'Marramgate Carers Circle' },
  public: { name: 'Anybody', role: 'public' },
}

/** The headers by which somebody is let in and acts as who they are. */
export async function headers(person) {
  if (person.role === 'public') return {}
  const acting = { authorization: `Bearer ${token}`, 'acting-role': person.role, 'acting-name': person.name }
  if (person.at) acting['acting-partner'] = (await partners()).get(person.at)
  return acting
}

/** The answer of the API to somebody. */
export async function ask(person, query, variables = {}) {
  const answer = await fetch(`${site}/graphql`, {
    method: 'POST',
    headers: { ...(await headers(person)), 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = await answer.json()
  if (errors) throw new Error(`${query}: ${JSON.stringify(errors)}`)
  return data
}

let known
/** The ids of the partners by their names. */
function partners() {
  known ??= ask(people.auditor, '{ partners(first: 100) { nodes { id name } } }').then(
    (data) => new Map(data.partners.nodes.map((partner) => [partner.name, partner.id]))
  )
  return known
}

/** A page by its address as somebody, without a browser. */
export async function get(person, path) {
  return fetch(site + path, { headers: await headers(person), redirect: 'manual' })
}
