// What the last cleaning up has dropped: its own page is gone, so the list says it.
import { createSignal } from 'solid-js'

export const [cleaned, setCleaned] = createSignal<{ name: string; dropped: string[]; remarks: string[] }>()
