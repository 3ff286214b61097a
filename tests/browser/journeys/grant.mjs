// From an application to a closed grant, by all the people it takes: nobody does what another must check.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { Person, day } from '../lib/person.mjs'

const TITLE = 'Saturday seed library'
const TERMS = createHash('sha256').update('An agreement that does not exist').digest('hex')

export function grant(browser) {
  test('a micro grant from application to closed', async () => {
    const as = (key) => Person.at(browser(), key)

    const lena = await as('lena')
    await lena.opens('/')
    await lena.clicks('Grants')
    await lena.clicks('Apply for a grant')
    await lena.clicks('Continue')
    await lena.sees('There is a problem')
    await lena.chooses('Programme', /^Small sparks/)
    await lena.types('What the work is called', TITLE)
    await lena.types('What the money is for', 'Shelves, seed trays and tea for a seed library that is open each Saturday.')
    await lena.types('How much you ask for', '£1,200')
    await lena.dates('First day of the work', day(20))
    await lena.dates('Last day of the work', day(90))
    await lena.chooses('Where', 'North Liverpool')
    await lena.clicks('Continue')
    await lena.sees('Check what you are about to send', '£1,200')
    await lena.clicks('Send the application')
    await lena.sees('The application was sent in.')
    const place = lena.place.split('?')[0]

    const tom = await as('tom')
    await tom.opens(place)
    await tom.clicks('Judge eligibility')
    await tom.chooses(/Is the work in Liverpool or Sefton/, 'Met')
    await tom.chooses(/Is the work still ahead/, 'Met')
    await tom.clicks('Continue')
    await tom.clicks('Record the judgement')
    await tom.sees('Eligibility was judged.')
    await tom.unfolds('What else can be done')
    await tom.clicks('Assign an assessor')
    await tom.picks('Who assesses it', 'Grace Placeholder')
    await tom.clicks('Assign')
    await tom.sees('The assessor was assigned.')

    const grace = await as('grace')
    for (const [criterion, score, why] of [
      [/How well does it answer a need/, '4: meets it well', 'It answers what people said about Saturdays.'],
      [/How much comes of the money/, '5: meets it fully', 'Seed costs little and is given on.'],
    ]) {
      await grace.opens(place)
      await grace.unfolds('What else can be done')
      await grace.clicks('Record a score')
      await grace.clicks(criterion)
      await grace.chooses('Score', score)
      await grace.types('Why this score', why)
      await grace.clicks('Save the score')
      await grace.sees('The score was recorded.')
    }

    const amina = await as('amina')
    await amina.opens(place)
    await amina.clicks('Recommend it')
    await amina.types('How much', '1200.00')
    await amina.types('Why', 'Scored well, and within the budget.')
    await amina.clicks('Continue')
    await amina.clicks('Recommend it')
    await amina.sees('It was recommended, and the money is reserved.')

    const nadia = await as('nadia')
    await nadia.opens('/')
    await nadia.clicks(/approve/i, { inside: TITLE })
    if (!nadia.place.endsWith('/approve')) await nadia.clicks('Approve it')
    await nadia.types('Amount of instalment 1', '1,200.00')
    await nadia.dates('Instalment 1 falls due on', day(0))
    await nadia.types('Why', 'Within delegation and in line with the programme.')
    await nadia.clicks('Continue')
    await nadia.sees('£1,200')
    await nadia.clicks('Approve it')
    await nadia.sees(/The approval was recorded/)
    await nadia.clicks(/^Receipt/, { inside: /approved/i })
    await nadia.sees(/Nadia Fictional/)

    await tom.opens(place)
    await tom.clicks('Send the offer')
    await tom.dates('Last day to accept', day(14))
    await tom.types('Fingerprint (SHA-256) of the agreement', TERMS)
    await tom.clicks('Continue')
    await tom.clicks('Send the offer')
    await tom.sees('The offer was sent.')

    await lena.opens('/')
    await lena.clicks(/offer/i, { inside: TITLE })
    await lena.sees('You are offered')
    await lena.chooses('In what standing you sign', /Trustee/i)
    await lena.clicks('Continue')
    await lena.clicks('Accept the offer')
    await lena.sees('The offer was accepted: there is an agreement.')

    await grace.opens(place)
    await grace.clicks(/^Authorise/)
    await grace.dates('Pay it on', day(0))
    await grace.clicks('Continue')
    await grace.clicks('Authorise it')
    await grace.sees(/The instalment is authorised/)

    const bronwen = await as('bronwen')
    await bronwen.opens('/')
    await bronwen.clicks('Payments')
    await bronwen.clicks('Open a payment run')
    await bronwen.types('What the run is called', 'Seeds, all invented')
    await bronwen.dates('Day it is paid', day(0))
    await bronwen.clicks('Open the run')
    await bronwen.sees('The run is open. Add the instalments it pays.')
    await bronwen.clicks(/^Add G-/, { inside: TITLE })
    await bronwen.sees('Added to the run.')
    const run = bronwen.place.split('/add')[0]

    await nadia.opens(run)
    await nadia.clicks('Approve the run')
    await nadia.clicks('Continue')
    await nadia.clicks('Approve the run')
    await nadia.sees(/The run is approved/)

    const kofi = await as('kofi')
    await kofi.opens(run)
    await kofi.clicks('Release the run')
    await kofi.clicks('Continue')
    await kofi.clicks('Release the run')
    await kofi.sees(/The run is released/)
    const reference = (await kofi.page.title()).match(/B-\d+-\d+/)[0]

    await bronwen.opens(run)
    await bronwen.clicks('Make the file for the bank')
    const file = await bronwen.downloads('Make the file and download it')
    assert.match(file, new RegExp(`${reference},1,.*,1200\\.00,`))
    await bronwen.opens(run)
    await bronwen.clicks('Load the bank’s answer')
    await bronwen.hands('The bank’s file', 'answer.csv', answered(reference, '1200.00'))
    await bronwen.clicks('Continue')
    await bronwen.sees('What the file says that the record did not say yet', 'Check what you are about to send')
    await bronwen.clicks('Record the bank’s answer')
    await bronwen.sees('The bank’s answer is on the record.')
    await bronwen.clicks('Reconcile the run')
    await bronwen.clicks('Continue')
    await bronwen.clicks('Reconcile the run')
    await bronwen.sees('The run is reconciled.')

    await tom.opens(place)
    await tom.clicks('Ask for a return')
    await tom.chooses('Which return', /^Final/)
    await tom.dates('First day it reports on', day(20))
    await tom.dates('Last day it reports on', day(90))
    await tom.dates('To be in by', day(100))
    await tom.clicks('Ask for it')
    await tom.sees('The return was asked for.')

    await lena.opens(place)
    await lena.clicks('Report')
    await lena.types('How many people it reached', '38')
    await lena.types('How much was spent of the grant', '1200')
    await lena.types('What came of it', 'A seed library that neighbours run themselves.')
    await lena.clicks('Continue')
    await lena.clicks('Send the report')
    await lena.sees('The report was sent.')

    await tom.opens(place)
    await tom.clicks('Accept it')
    await tom.clicks('Accept it')
    await tom.sees('The return was accepted.')
    await grace.opens(place)
    await grace.clicks('Close it')
    await grace.types('Spent in the end', '1200.00')
    await grace.types('What came of it', 'A seed library that neighbours run themselves.')
    await grace.clicks('Continue')
    await grace.clicks('Close it')
    await grace.sees('The grant is closed.')
    await Promise.all([lena, tom, grace, amina, nadia, bronwen, kofi].map((one) => one.leaves()))
  })
}

/** What a bank answers: the one line of a run was paid today. */
function answered(run, amount) {
  return `run,line,result,amount,value_date,bank_code\r\n${run},1,paid,${amount},${day(0)},\r\ntotal,1,,${amount},,\r\n`
}
