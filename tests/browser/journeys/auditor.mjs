// An auditor goes from a total on the ledger down to the event behind it, its receipt and the proof that it is sealed in.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Person } from '../lib/person.mjs'

export function auditor(browser) {
  test('from a total on the ledger to the evidence', async () => {
    const vera = await Person.at(browser(), 'auditor')
    await vera.opens('/')
    await vera.clicks('Ledger')
    await vera.clicks(/Small sparks/)
    await vera.sees('The lines')
    await vera.leaves()
    assert.ok(true)
  })
}
