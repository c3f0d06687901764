// What the last cleanup dropped. The list shows it, since the move has no page any more.
import { createSignal } from 'solid-js'

export const [cleaned, setCleaned] = createSignal<{ name: string; dropped: string[]; remarks: string[] }>()
