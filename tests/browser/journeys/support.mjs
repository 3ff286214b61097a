// From a first talk with somebody to what came of it: registered, prescribed two offers, taken on, there, asked, closed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Person, day } from '../lib/person.mjs'

export function support(browser) {
  test('from a talk to an outcome', async () => {
    const jamie = await Person.at(browser(), 'jamie')
    await jamie.opens('/people')
    await jamie.clicks(/^Register/)
    await jamie.chooses('How you met', /themselves/i)
    await jamie.clicks('Register the person')
    await jamie.sees('The person is on the record, without a name until you keep their details.')
    const person = jamie.place.split('?')[0]
    await jamie.clicks('Record a talk')
    await jamie.chooses('What they need', 'Company and belonging', 'Being active')
    await jamie.chooses('How you talked', /phone/i)
    await jamie.chooses('How long it took', /30/)
    await jamie.clicks('Record the talk')
    await jamie.sees('The talk is on the record. Prescribe from it, or point them somewhere.')
    const talk = jamie.place.split('?')[0]

    // Two offers at once, of one partner: what it may be told is agreed once.
    await jamie.clicks('Prescribe')
    await jamie.ticks('Slow Sundays')
    await jamie.ticks('Canal at dusk')
    await jamie.clicks('Prescribe what is ticked')
    await jamie.sees('They are prescribed. Send each to its partner.')
    await jamie.clicks(/^Agree what the partner is told/, { inside: 'Slow Sundays' })
    await jamie.chooses('What it may be told', /need/i)
    await jamie.clicks('Record the agreement')
    await jamie.sees('What the person agreed to is recorded.')
    for (const title of ['Slow Sundays', 'Canal at dusk']) {
      await jamie.opens(talk)
      await jamie.clicks(/^Send it/, { inside: title })
      await jamie.clicks('Send it')
      await jamie.sees('It was sent. The partner has two weeks to answer.')
    }
    const sent = jamie.place.split('?')[0]

    const dee = await Person.at(browser(), 'dee', { width: 390 })
    await dee.opens('/inbox?status=SENT')
    await dee.opens(sent)
    await dee.clicks('Take the person on')
    await dee.clicks('Take the person on')
    await dee.sees('It is recorded that the person was taken on.')
    await dee.clicks('Offer a place')
    await dee.dates('When it would begin, if that is known', day(3))
    await dee.clicks('Record the place')
    await dee.sees('The offer of a place is recorded.')
    await dee.clicks('Record a session')
    await dee.dates('When it was', day(0))
    await dee.chooses('Whether the person came', 'Attended')
    await dee.clicks('Record the session')
    await dee.sees('The session is recorded.')

    await jamie.opens(sent)
    for (const [moment, scores] of [
      ['Before it began', ['4', '5', '3', '8']],
      ['Afterwards', ['7', '7', '6', '4']],
    ]) {
      await jamie.clicks('Record answers about how the person is')
      await jamie.clicks(/ONS/)
      await jamie.chooses('When they were asked', moment)
      const fields = jamie.page.locator('main input[name$=".score"]')
      assert.equal(await fields.count(), 4)
      for (const [at, score] of scores.entries()) await fields.nth(at).fill(score)
      await jamie.clicks('Record the answers')
      await jamie.sees('The answers are recorded.')
    }
    await jamie.clicks('Close the prescription')
    await jamie.chooses('Why', /^Completed/)
    await jamie.clicks('Continue')
    await jamie.clicks('Close it')
    await jamie.sees('The prescription is closed.')
    await jamie.opens(person)
    await jamie.sees('Canal at dusk', 'Slow Sundays')

    // Dee sees nothing of the person beyond what was agreed.
    await dee.opens(sent)
    await dee.seesNot(person.split('/').at(-1))
    await Promise.all([jamie, dee].map((one) => one.leaves()))
  })
}
