// What became of each object whose statements were applied.
import { For, Show } from 'solid-js'
import type { AppliedChange } from '../../shared/comparison-api.ts'
import { showName } from '../../shared/table-name.ts'
import { rowsText, t } from '../i18n/index.ts'
import { ErrorText } from '../parts/error-text.tsx'
import { Notice } from '../parts/notice.tsx'
import { Section } from '../parts/section.tsx'

export function Applied(props: { list: readonly AppliedChange[]; isChecked: boolean }) {
  const count = (status: AppliedChange['status']) =>
    props.list.filter((change) => change.status === status).length
  const other = () => props.list.length - count('done') - count('failed')
  return (
    <Section title={t('compare.applied')} count={rowsText(props.list.length)}>
      <Notice tone={count('done') === props.list.length ? 'good' : 'warn'} role="status">
        <p>
          {t('compare.appliedText', {
            done: rowsText(count('done')),
            failed: rowsText(count('failed')),
            other: rowsText(other()),
          })}
        </p>
        <Show when={!props.isChecked}>
          <p>{t('compare.notChecked')}</p>
        </Show>
      </Notice>
      <ul class="cut compare-applied" tabindex="0">
        <For each={props.list}>
          {(change) => (
            <li>
              <span class={`tag ${change.status === 'done' ? '' : 'bad'}`}>
                {t(`compare.appliedStatus.${change.status}`)}
              </span>{' '}
              <span class="quiet">{change.kind}</span> <span class="mono">{showName(change)}</span>
              <Show when={change.error}>{(error) => <ErrorText error={error()} />}</Show>
            </li>
          )}
        </For>
      </ul>
    </Section>
  )
}
