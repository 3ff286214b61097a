// What JavaScript improves. Every page works without it.

import { initAll } from 'nhsuk-frontend'

// Styles and components of nhsuk-frontend wait for these two words.
document.body.classList.add('js-enabled', 'nhsuk-frontend-supported')
initAll()
