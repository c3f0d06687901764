import './i18n/browser-language.ts'
import { render } from 'solid-js/web'
import './design/tokens.css'
import './design/base.css'
import './design/controls.css'
import './design/layout.css'
import './design/structure.css'
import './design/print.css'
import { App } from './app.tsx'
import { loadLanguage } from './i18n/index.ts'
import { watchJob } from './state/job.ts'
import { takeNamed } from './state/named.ts'
import { watchKeys } from './state/shortcuts.ts'
import { applyTheme } from './state/theme.ts'

applyTheme()
const strings = loadLanguage()
watchJob()
watchKeys()
void takeNamed()
const place = document.getElementById('page')
if (!place) throw new Error('the page has no #page to be in')
await strings
place.replaceChildren()
render(() => <App />, place)
