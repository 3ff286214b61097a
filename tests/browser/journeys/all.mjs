// The journeys, in their order.

import { auditor } from './auditor.mjs'
import { consultation } from './consultation.mjs'
import { grant } from './grant.mjs'
import { offer } from './offer.mjs'
import { support } from './support.mjs'

const ALL = { grant, consultation, offer, auditor, support }

export function journeys(browser) {
  // One alone: JOURNEY=offer
  for (const [name, journey] of Object.entries(ALL)) {
    if (!process.env.JOURNEY || process.env.JOURNEY === name) journey(browser)
  }
}
