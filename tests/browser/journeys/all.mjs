// The journeys, in their order.

import { grant } from './grant.mjs'

export function journeys(browser) {
  grant(browser)
}
