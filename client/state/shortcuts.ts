// Keyboard shortcuts of the whole page. Single keys can be switched off, and never act while text is entered.
import { createSignal } from 'solid-js'
import { recall, remember } from './memory.ts'
import { go } from './route.ts'

/** After `g`. */
export const places = { s: '/', r: '/#run', f: '/#follow', h: '/#history' } as const
/** A second key counts only this long after the first. */
const chordMs = 1_500

const [isOn, setIsOn] = createSignal(recall('shortcuts') !== 'off')
const [isSheetOpen, setSheetOpen] = createSignal(false)

export const shortcuts = { isOn, isSheetOpen, setSheetOpen }

export function switchShortcuts(on: boolean) {
  setIsOn(on)
  remember('shortcuts', on ? 'on' : 'off')
}

export function watchKeys() {
  let goAt = Number.NEGATIVE_INFINITY
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.altKey || event.isComposing) return
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      if (press('main button.primary:not(:disabled)')) event.preventDefault()
      return
    }
    if (event.ctrlKey || event.metaKey || !isOn() || isEntering(event.target)) return
    const isChord = event.timeStamp - goAt < chordMs
    goAt = Number.NEGATIVE_INFINITY
    if (isChord && event.key in places) {
      event.preventDefault()
      go(places[event.key as keyof typeof places])
    } else if (event.key === 'g') goAt = event.timeStamp
    else if (event.key === '?') setSheetOpen(true)
    else if (event.key === '/' && focusOn('main input[type="search"]')) event.preventDefault()
  })
}

/** In a field, a tree or a dialog, keys have their own meaning. */
function isEntering(target: EventTarget | null): boolean {
  const own =
    'input, select, textarea, [contenteditable], [role="tree"], [role="alertdialog"], [role="dialog"]'
  return target instanceof Element && target.closest(own) !== null
}

function press(selector: string): boolean {
  const button = document.querySelector<HTMLElement>(selector)
  // A dialog has its own buttons.
  if (!button || document.querySelector('[role="alertdialog"]')) return false
  button.click()
  return true
}

function focusOn(selector: string): boolean {
  const field = document.querySelector<HTMLElement>(selector)
  field?.focus()
  return field !== null
}
