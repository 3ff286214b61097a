// An auditor goes from a total on the ledger down to the events behind it, and from a decision to its receipt.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Person } from '../lib/person.mjs'

/** “£1,234.50” in pence. */
const pence = (money) => Math.round(Number(money.replace(/[£,]/g, '')) * 100)

export function auditor(browser) {
  test('from a total on the ledger to the evidence', async () => {
    const vera = await Person.at(browser(), 'auditor')
    await vera.opens('/')
    await vera.clicks('Ledger')
    await vera.picks('One line for each', 'Grant')
    await vera.clicks('Show these')
    await vera.sees('Figures by grant')

    // One grant of which something was paid: what its line says is what its movements add up to.
    const heads = await vera.page.locator('main thead th').allInnerTexts()
    const paidAt = heads.indexOf('Paid')
    const lines = await vera.page.locator('main tbody tr').evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim())))
    const line = lines.find((cells) => /^G-/.test(cells[0]) && pence(cells[paidAt]) > 0)
    assert.ok(line, 'a grant of which something was paid')
    await vera.clicks(line[0])
    const grant = vera.place
    await vera.clicks('The ledger of this grant')
    await vera.clicks('The movements behind these figures')
    const movements = await vera.page.locator('main tbody tr').evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim())))
    const columns = await vera.page.locator('main thead th').allInnerTexts()
    const [amountAt, toAt] = [columns.indexOf('Amount'), columns.indexOf('To')]
    const paid = movements.filter((cells) => /paid/i.test(cells[toAt]))
    assert.ok(paid.length > 0, `movements to “paid” among ${movements.map((cells) => cells[toAt])}`)
    assert.equal(paid.reduce((sum, cells) => sum + pence(cells[amountAt]), 0), pence(line[paidAt]), line[0])

    await vera.clicks(paid[0][0])
    await vera.sees(`Event ${paid[0][0]}`, 'What was recorded', 'Seal')
    await vera.opens(grant)
    await vera.clicks(/^Receipt/, { inside: /Approved (?!for payment)/ })
    await vera.sees('Decided by', 'Each rule, with the facts that stood when it was decided')
    await vera.sees(/All \d+ rules that guard it held/)
    await vera.clicks(/^Event /)
    await vera.sees('What was recorded')
    await vera.clicks('Ledger')
    await vera.leaves()
  })
}
