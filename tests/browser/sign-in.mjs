// Signing in with a provider, from end to end: a server of its own on an empty record, and oidc-provider.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { faults } from './lib/looks.mjs'
import { provide } from './lib/provider.mjs'

const PROGRAM = process.env.SIDEBYSIDE_PROGRAM ?? new URL('../../target/debug/sidebyside', import.meta.url).pathname

async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A server whose people sign in with a provider. */
async function serve() {
  const port = await freePort()
  const site = `http://127.0.0.1:${port}`
  const provider = await provide(site)
  const folder = mkdtempSync(join(tmpdir(), 'sidebyside-sign-in-'))
  chmodSync(folder, 0o755) // the account that runs the database must be able to enter
  const secret = join(folder, 'oidc.secret')
  writeFileSync(secret, provider.client.secret, { mode: 0o600 })
  const { DATABASE_URL: _, ...environment } = process.env
  const server = spawn(PROGRAM, ['serve', '--listen', `127.0.0.1:${port}`, '--public-url', site], {
    env: {
      ...environment,
      SIDEBYSIDE_DATA: join(folder, 'data'),
      SIDEBYSIDE_OIDC_ISSUER: provider.issuer,
      SIDEBYSIDE_OIDC_CLIENT_ID: provider.client.id,
      SIDEBYSIDE_OIDC_CLIENT_SECRET_FILE: secret,
    },
  })
  let said = ''
  const ended = new Promise((resolve) => server.on('exit', resolve))
  await new Promise((resolve, reject) => {
    const listen = (piece) => {
      said += piece
      if (said.includes('People sign in with')) resolve()
    }
    server.stdout.on('data', listen)
    server.stderr.on('data', listen)
    ended.then((code) => reject(new Error(`the server ended with ${code}: ${said}`)))
  })
  const end = async () => {
    server.kill('SIGTERM')
    await ended
    await provider.end()
    rmSync(folder, { recursive: true, force: true })
  }
  return { site, provider, end }
}

async function signsIn(page, name) {
  await page.getByRole('link', { name: 'Sign in' }).first().click()
  await page.getByRole('button', { name }).click()
}


export function signIn(browser) {
  test('signing in with a provider', async (t) => {
    const server = await serve()
    t.after(server.end)
    const window = async () => {
      const context = await browser().newContext({ viewport: { width: 1280, height: 900 } })
      context.setDefaultTimeout(15_000)
      t.after(() => context.close())
      return context.newPage()
    }

    await t.test('leads back to the page that was asked for', async () => {
      const page = await window()
      const refused = await page.goto(`${server.site}/funds?first=5`)
      assert.equal(refused.status(), 401)
      assert.deepEqual(await faults(page), [])
      await page.locator('main').getByRole('link', { name: 'Sign in' }).click()
      await page.getByRole('button', { name: 'Amina Example' }).click()
      await page.getByRole('heading', { level: 1, name: 'Funds' }).waitFor()
      assert.equal(page.url(), `${server.site}/funds?first=5`)
      await page.getByText('Amina Example, commissioner', { exact: false }).first().waitFor()
      assert.deepEqual(await faults(page), [])
      const cookies = (await page.context().cookies(server.site)).filter((cookie) => cookie.name.includes('sidebyside'))
      assert.ok(cookies.length > 0 && cookies.every((cookie) => cookie.httpOnly && cookie.sameSite === 'Lax'), JSON.stringify(cookies))
    })

    await t.test('a form posted after the session ended keeps what was typed', async () => {
      const page = await window()
      await page.goto(`${server.site}/`)
      await signsIn(page, 'Amina Example')
      await page.goto(`${server.site}/funds/open`)
      await page.getByLabel('Name', { exact: false }).first().fill('Seeds and <script>alert(1)</script> (synthetic)')
      const other = await page.context().newPage()
      await other.goto(`${server.site}/`)
      await other.getByRole('button', { name: 'Sign out' }).click()
      await other.getByRole('heading', { name: 'You have signed out' }).waitFor()
      assert.deepEqual(await faults(other), [])

      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.request().method() === 'POST'),
        page.locator('main form button').first().click(),
      ])
      assert.equal(answer.status(), 401)
      await page.getByRole('heading', { name: 'You have been signed out, and nothing was sent' }).waitFor()
      await page.getByText('Seeds and <script>alert(1)</script> (synthetic)').waitFor()
      assert.deepEqual(await faults(page), [])

      const [again] = await Promise.all([page.context().waitForEvent('page'), page.getByRole('link', { name: /^Sign in again/ }).click()])
      await again.waitForLoadState()
      if (again.url().startsWith(server.provider.issuer)) await again.getByRole('button', { name: 'Amina Example' }).click()
      await again.getByText('Amina Example', { exact: false }).first().waitFor()
      await page.getByRole('button', { name: 'Send it again' }).click()
      // Signed in again: the form is back with what was typed, and what is missing is told.
      await page.getByText('There is a problem').waitFor()
      assert.ok((await page.locator('main input[type=text]').first().inputValue()).startsWith('Seeds and <script>'))
    })

    await t.test('what somebody may do is what the provider says', async () => {
      const vera = await window()
      await vera.goto(`${server.site}/`)
      await signsIn(vera, 'Vera Testcase')
      assert.equal((await vera.goto(`${server.site}/history`)).status(), 200)
      assert.equal((await vera.goto(`${server.site}/funds/open`)).status(), 403)
      assert.deepEqual(await faults(vera), [])

      const grace = await window()
      await grace.goto(`${server.site}/`)
      await signsIn(grace, 'Grace Placeholder')
      await grace.goto(`${server.site}/acting`)
      await grace.getByRole('radio', { name: /auditor/i }).check()
      assert.deepEqual(await faults(grace), [])
      await grace.getByRole('button', { name: 'Go on' }).click()
      assert.equal((await grace.goto(`${server.site}/funds/open`)).status(), 403)

      const ned = await window()
      await ned.goto(`${server.site}/`)
      await signsIn(ned, 'Ned Norole')
      await ned.locator('main h1').waitFor()
      assert.deepEqual(await faults(ned), [])
      await ned.goto(`${server.site}/`)
      await ned.getByRole('link', { name: 'Sign in' }).first().waitFor()
    })

    await t.test('a sign-in that was not begun here, or leads elsewhere, is not taken', async () => {
      const page = await window()
      const forged = await page.goto(`${server.site}/sign-in/back?state=forged&code=stolen`)
      assert.ok(forged.status() >= 400 && forged.status() < 500, `${forged.status()}`)
      for (const next of ['//example.org/', '/\\example.org', 'https://example.org/']) {
        const context = await window()
        await context.goto(`${server.site}/sign-in?next=${encodeURIComponent(next)}`)
        if (context.url().startsWith(server.provider.issuer)) await context.getByRole('button', { name: 'Amina Example' }).click()
        await context.locator('main h1').waitFor()
        assert.ok(context.url().startsWith(`${server.site}/`), context.url())
      }
    })
  })
}
