// A sign-in provider for tests: OpenID Connect by oidc-provider, with an account for each role. It asks for no password;
// its one page lets whoever looks choose who to be.

import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'

/** The accounts, by what the provider knows them as. Their roles are what it says of them, not what they say. */
export const accounts = {
  amina: { name: 'Amina Example', roles: ['commissioner'] },
  olu: { name: 'Olu Specimen', roles: ['approver'] },
  bronwen: { name: 'Bronwen Invented', roles: ['finance'] },
  lena: { name: 'Lena Dummy', roles: ['partner_admin'], partner: '0198c2f4-5b1e-7c3a-9d44-1f2e3a4b5c6d' },
  ravi: { name: 'Ravi Mockup', roles: ['partner_worker'], partner: '0198c2f4-5b1e-7c3a-9d44-1f2e3a4b5c6d' },
  rosa: { name: 'Rosa Imaginary', roles: ['inclusion'] },
  jamie: { name: 'Jamie Pretend', roles: ['advisor'] },
  vera: { name: 'Vera Testcase', roles: ['auditor'] },
  grace: { name: 'Grace Placeholder', roles: ['commissioner', 'auditor'] },
  nobody: { name: 'Ned Norole', roles: ['gardener'] },
}

/** A page with a button for each account. */
function choice(uid) {
  const buttons = Object.entries(accounts).map(([id, { name }]) => `<button name="account" value="${id}">${name}</button>`)
  return `<!DOCTYPE html><html lang="en"><title>Who are you?</title><h1>Who are you?</h1>
    <form method="post" action="/interaction/${uid}">${buttons.join('\n')}</form></html>`
}

async function body(request) {
  let text = ''
  for await (const piece of request) text += piece
  return new URLSearchParams(text)
}

/** Start a provider for the server at `site`. Gives its issuer, the client's id and secret, and the way to end it. */
export async function provide(site) {
  const client = { id: 'sidebyside', secret: randomBytes(24).toString('hex') }
  let handle
  const server = createServer((request, response) => handle(request, response))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        redirect_uris: [`${site}/sign-in/back`],
        post_logout_redirect_uris: [`${site}/`],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    pkce: { required: () => true },
    claims: { openid: ['sub'], profile: ['name', 'roles', 'partner'] },
    conformIdTokenClaims: false,
    cookies: { keys: [randomBytes(16).toString('hex')] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
    // Whoever signs in is not asked again whether the server may know who they are.
    async loadExistingGrant(context) {
      const { client, session, provider } = context.oidc
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope('openid profile')
      await grant.save()
      return grant
    },
  })
  const oidc = provider.callback()
  handle = async (request, response) => {
    const uid = request.url.match(/^\/interaction\/([\w-]+)$/)?.[1]
    if (!uid) return oidc(request, response)
    if (request.method !== 'POST') return response.setHeader('content-type', 'text/html').end(choice(uid))
    const accountId = (await body(request)).get('account')
    return provider.interactionFinished(request, response, { login: { accountId } })
  }
  return { issuer, client, end: () => new Promise((resolve) => server.close(resolve).closeAllConnections()) }
}
