// Light or dark: the system's setting until the user chooses.
import { createSignal } from 'solid-js'
import { recall, remember } from './memory.ts'

export const themes = ['auto', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

const [chosen, choose] = createSignal<Theme>(themes.find((name) => name === recall('theme')) ?? 'auto')
export const theme = chosen

export function setTheme(next: Theme) {
  choose(next)
  remember('theme', next)
  applyTheme()
}

export function applyTheme() {
  document.documentElement.dataset.theme = chosen()
}
