// What is not there, not theirs, not signed in; what is typed wrong, twice, or with scripts in it.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { windowOf } from './lib/chromium.mjs'
import { faults } from './lib/looks.mjs'
import { day } from './lib/person.mjs'
import { ask, people, site } from './lib/site.mjs'

const SCRIPT = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'

/** What the main part of a page says. */
const words = (page) => page.locator('main').innerText()

async function openAs(browser, person, { width = 1280, withScripts = true } = {}) {
  const context = await windowOf(browser, person, { width, withScripts })
  const page = await context.newPage()
  page.on('dialog', (dialog) => {
    dialog.dismiss()
    assert.fail(`a dialog: ${dialog.message()}`)
  })
  return page
}

/** How many payment runs have this title. */
async function runsCalled(title) {
  const { paymentRuns } = await ask(people.bronwen, '{ paymentRuns(first: 100) { nodes { title } } }')
  return paymentRuns.nodes.filter((run) => run.title === title).length
}

export function mistakes(browser) {
  test('pages that say no', async () => {
    const refusals = [
      [people.public, '/nothing-here', 404, 'Page not found'],
      [people.tom, `/grants/${randomUUID()}`, 404, 'Page not found'],
      [people.tom, '/grants/not-an-id', 404, 'Page not found'],
      [people.jamie, '/funds/open', 403, undefined],
      [people.public, '/funds', 401, undefined],
    ]
    for (const [person, path, status, title] of refusals) {
      for (const width of [1280, 390]) {
        const page = await openAs(browser(), person, { width })
        const answer = await page.goto(site + path)
        assert.equal(answer.status(), status, path)
        assert.deepEqual(await faults(page), [], `${path} ${width} wide`)
        if (title) assert.equal(await page.locator('h1').innerText(), title)
        await page.context().close()
      }
    }
  })

  test('a form with mistakes says so first, and leads to each', async () => {
    for (const width of [1280, 390]) {
      const page = await openAs(browser(), people.bronwen, { width })
      await page.goto(`${site}/payments/open`)
      await page.getByRole('group', { name: 'Day it is paid' }).getByLabel('Day', { exact: true }).fill('41')
      await page.getByRole('button', { name: 'Open the run' }).click()
      await page.getByRole('heading', { name: 'There is a problem' }).waitFor()
      assert.match(await page.title(), /^Error: /)
      assert.ok(await page.evaluate(() => document.activeElement.classList.contains('nhsuk-error-summary')), 'the summary has the focus')
      assert.deepEqual(await faults(page), [])
      assert.equal(await page.getByRole('group', { name: 'Day it is paid' }).getByLabel('Day', { exact: true }).inputValue(), '41')
      const links = page.locator('.nhsuk-error-summary a')
      assert.ok((await links.count()) >= 2, await words(page))
      for (let at = 0; at < (await links.count()); at += 1) {
        await links.nth(at).click()
        const isThere = await page.evaluate(() => document.activeElement.matches('input, select, textarea'))
        assert.ok(isThere, `${await links.nth(at).getAttribute('href')} leads to no field`)
      }
      await page.context().close()
    }
  })

  test('scripts in text fields are shown as text', async () => {
    const page = await openAs(browser(), people.bronwen)
    await page.goto(`${site}/payments/open`)
    await page.getByLabel('What the run is called').fill(SCRIPT)
    await page.getByRole('group', { name: 'Day it is paid' }).getByLabel('Day', { exact: true }).fill(SCRIPT)
    await page.getByRole('button', { name: 'Open the run' }).click()
    await page.getByText('There is a problem').waitFor()
    assert.equal(await page.getByLabel('What the run is called').inputValue(), SCRIPT)
    const [year, month, date] = day(3).split('-')
    for (const [label, text] of [['Day', date], ['Month', month], ['Year', year]]) {
      await page.getByRole('group', { name: 'Day it is paid' }).getByLabel(label, { exact: true }).fill(text)
    }
    await page.getByLabel('Why').fill(SCRIPT)
    await page.getByRole('button', { name: 'Open the run' }).click()
    await page.getByText('The run is open.').waitFor()
    await page.goto(page.url().replace(/\/add.*/, ''))
    assert.ok((await words(page)).includes(SCRIPT))
    await page.goto(`${site}/history`)
    assert.ok((await words(page)).includes(SCRIPT))

    for (const [person, path, label] of [
      [people.tom, '/partners/apply', /name/i],
      [people.rosa, '/consultations/plan', 'What it is called'],
      [people.lena, '/grants/apply', 'What the money is for'],
    ]) {
      const other = await openAs(browser(), person)
      await other.goto(site + path)
      await other.getByLabel(label).first().fill(SCRIPT)
      await other.locator('main form button').first().click()
      await other.getByText('There is a problem').waitFor()
      assert.equal(await other.getByLabel(label).first().inputValue(), SCRIPT)
      await other.context().close()
    }
    for (const path of ['/offers', '/grants', '/partners', '/history', '/ledger', '/people']) {
      const answer = await page.goto(`${site}${path}?text=${encodeURIComponent(SCRIPT)}&after=${encodeURIComponent(SCRIPT)}&said=${encodeURIComponent(SCRIPT)}`)
      assert.ok(answer.status() < 500, `${path} answers ${answer.status()}`)
      assert.equal(await page.locator('img[src=x]').count(), 0)
    }
    await page.context().close()
  })

  for (const withScripts of [true, false]) {
    test(`a form sent by a double click has its effect once, ${withScripts ? 'with' : 'without'} scripts`, async () => {
      const title = `Twice ${randomUUID().slice(0, 8)}`
      const page = await openAs(browser(), people.bronwen, { withScripts })
      await page.goto(`${site}/payments/open`)
      await page.getByLabel('What the run is called').fill(title)
      const [year, month, date] = day(4).split('-')
      for (const [label, text] of [['Day', date], ['Month', month], ['Year', year]]) {
        await page.getByRole('group', { name: 'Day it is paid' }).getByLabel(label, { exact: true }).fill(text)
      }
      await page.getByRole('button', { name: 'Open the run' }).dblclick()
      await page.getByText('The run is open.').waitFor()
      assert.equal(await runsCalled(title), 1)
      // Back, as people go back, and once more.
      await page.goBack()
      const again = page.getByRole('button', { name: 'Open the run' })
      if (await again.count()) await again.click()
      await page.waitForLoadState()
      assert.equal(await runsCalled(title), 1, 'sent again after going back')
      await page.context().close()
    })
  }

  test('what is of another partner answers as what is not there', async () => {
    const { partners, grants } = await ask(people.auditor, '{ partners(first: 50) { nodes { id name } } grants(first: 50) { nodes { id partner { name } } } }')
    const isOther = (name) => name !== people.lena.at
    const partner = partners.nodes.find((one) => isOther(one.name)).id
    const theirs = grants.nodes.find((one) => isOther(one.partner.name)).id
    const page = await openAs(browser(), people.lena)
    for (const path of [`/grants/${theirs}`, `/grants/${theirs}/accept`, `/grants/${theirs}/withdraw`, `/partners/${partner}/bank`]) {
      const refused = await page.goto(site + path)
      const said = [refused.status(), await page.title(), await words(page)]
      const nothing = await page.goto(site + path.replace(/[0-9a-f-]{36}/, randomUUID()))
      assert.deepEqual(said, [nothing.status(), await page.title(), await words(page)], path)
      assert.equal(said[0], 404, path)
    }
    await page.context().close()
  })

  test('a form sent after the session ended keeps what was typed', async () => {
    const page = await openAs(browser(), people.bronwen, { width: 390 })
    await page.goto(`${site}/payments/open`)
    await page.getByLabel('What the run is called').fill(`Typed at length ${SCRIPT}`)
    await page.context().setExtraHTTPHeaders({})
    await page.getByRole('button', { name: 'Open the run' }).click()
    await page.getByRole('heading', { name: 'You have been signed out, and nothing was sent' }).waitFor()
    assert.ok((await words(page)).includes(`Typed at length ${SCRIPT}`))
    assert.deepEqual(await faults(page), [])
    await page.context().close()
  })

  test('the printed link signs in once, and one chooses whom to act as', { skip: !process.env.SIDEBYSIDE_LINK }, async () => {
    const context = await browser().newContext({ viewport: { width: 390, height: 900 } })
    const page = await context.newPage()
    await page.goto(process.env.SIDEBYSIDE_LINK)
    await page.goto(`${site}/acting`)
    assert.deepEqual(await faults(page), [])
    await page.getByLabel('Name', { exact: true }).fill('Bronwen Invented')
    await page.getByRole('radio', { name: 'Finance', exact: false }).check()
    await page.getByRole('button', { name: 'Act as this person' }).click()
    await page.getByText(/^Bronwen Invented, /).filter({ visible: true }).first().waitFor()
    await page.goto(process.env.SIDEBYSIDE_LINK)
    await page.getByRole('heading', { name: 'This sign-in link has been used' }).waitFor()
    assert.deepEqual(await faults(page), [])
    await page.goto(`${site}/`)
    await page.getByRole('button', { name: 'Sign out' }).filter({ visible: true }).first().click()
    await page.getByRole('heading', { name: 'You have signed out' }).waitFor()
    assert.deepEqual(await faults(page), [])
    await context.close()
  })
}
