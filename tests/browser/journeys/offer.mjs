// A partner says that an offer is still right, in fewer than five clicks from where they sign in.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Person } from '../lib/person.mjs'

export function offer(browser) {
  test('an offer is said to be still right in under five clicks', async () => {
    const joan = await Person.at(browser(), 'joan', { width: 390 })
    await joan.opens('/')
    await joan.clicks(/Thursday off/)
    if (!joan.place.includes('/confirm')) await joan.clicks('It is still right')
    await joan.clicks('Yes, it is still right')
    await joan.sees('Thank you. The entry is marked as still right today.')
    assert.ok(joan.clicked < 5, `it took ${joan.clicked} clicks`)
    await joan.leaves()
  })
}
