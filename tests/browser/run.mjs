// The tests in the browser, in their order: first what the sample looks like, then the journeys, which write to it.
//
//     SIDEBYSIDE_URL=http://127.0.0.1:8080 SIDEBYSIDE_TOKEN=… node tests/browser/run.mjs [sweep] [journeys] …

import { after, before } from 'node:test'
import { journeys } from './journeys/all.mjs'
import { launch } from './lib/chromium.mjs'
import { mistakes } from './mistakes.mjs'
import { signIn } from './sign-in.mjs'
import { sweep } from './sweep.mjs'

const parts = { sweep, mistakes, journeys, 'sign-in': signIn }

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in parts))
if (unknown.length) {
  console.error(`There is no part called ${unknown.join(', ')}: there are ${Object.keys(parts).join(', ')}.`)
  process.exit(2)
}

let browser
before(async () => {
  browser = await launch()
})
after(() => browser?.close())

for (const [name, part] of Object.entries(parts)) {
  if (wanted.length === 0 || wanted.includes(name)) part(() => browser)
}
