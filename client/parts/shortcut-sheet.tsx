// All keyboard shortcuts. Opened with `?` or from the top bar.
import { For, type JSX } from 'solid-js'
import { t } from '../i18n/index.ts'
import { shortcuts, switchShortcuts } from '../state/shortcuts.ts'
import { Dialog } from './dialog.tsx'
import { Check } from './field.tsx'

export function ShortcutSheet() {
  const close = () => shortcuts.setSheetOpen(false)
  const list = (): [JSX.Element, string][] => [
    [<kbd>?</kbd>, t('shortcuts.sheet')],
    [<kbd>/</kbd>, t('shortcuts.search')],
    [
      <>
        <kbd>Ctrl</kbd> + <kbd>Enter</kbd>
      </>,
      t('shortcuts.next'),
    ],
    [<Chord second="s" />, t('shortcuts.start')],
    [<Chord second="r" />, t('shortcuts.run')],
    [<Chord second="f" />, t('shortcuts.follow')],
    [<Chord second="h" />, t('shortcuts.history')],
  ]
  return (
    <Dialog open={shortcuts.isSheetOpen()} title={t('shortcuts.title')} onClose={close}>
      <dl class="shortcuts">
        <For each={list()}>
          {([keys, words]) => (
            <div>
              <dt>{keys}</dt>
              <dd>{words}</dd>
            </div>
          )}
        </For>
      </dl>
      <Check
        label={t('shortcuts.on')}
        help={t('shortcuts.onHelp')}
        checked={shortcuts.isOn()}
        onChange={switchShortcuts}
      />
      <div class="actions end">
        <button type="button" onClick={close}>
          {t('app.close')}
        </button>
      </div>
    </Dialog>
  )
}

function Chord(props: { second: string }) {
  return (
    <>
      <kbd>g</kbd> {t('shortcuts.chord')} <kbd>{props.second}</kbd>
    </>
  )
}
