// Copies a text to the clipboard and shows whether it worked.
import { createSignal } from 'solid-js'
import { t } from '../i18n/index.ts'

const shownForMs = 2_000

export function CopyButton(props: { text: string; label: string }) {
  const [outcome, setOutcome] = createSignal<'copied' | 'notCopied'>()
  const copy = async () => {
    setOutcome((await putOnClipboard(props.text)) ? 'copied' : 'notCopied')
    setTimeout(() => setOutcome(undefined), shownForMs)
  }
  return (
    <span class="copy">
      <button type="button" class="small" aria-label={props.label} onClick={() => void copy()}>
        {t('app.copy')}
      </button>{' '}
      <span role="status">{outcome() ? t(`app.${outcome() as 'copied' | 'notCopied'}`) : ''}</span>
    </span>
  )
}

async function putOnClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // Browsers have no clipboard API over plain HTTP from another machine: only the old command works.
    return copyTheOldWay(text)
  }
}

function copyTheOldWay(text: string): boolean {
  const area = document.createElement('textarea')
  area.value = text
  const before = document.activeElement
  document.body.append(area)
  area.select()
  const isCopied = document.execCommand('copy')
  area.remove()
  if (before instanceof HTMLElement) before.focus()
  return isCopied
}
