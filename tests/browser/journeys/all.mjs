// The journeys, in their order.

import { auditor } from './auditor.mjs'
import { consultation } from './consultation.mjs'
import { grant } from './grant.mjs'
import { offer } from './offer.mjs'

const ALL = { grant, consultation, offer, auditor }

export function journeys(browser) {
  // One alone: JOURNEY=offer
  for (const [name, journey] of Object.entries(ALL)) {
    if (!process.env.JOURNEY || process.env.JOURNEY === name) journey(browser)
  }
}
