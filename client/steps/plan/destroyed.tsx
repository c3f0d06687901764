// What a run drops or empties on the destination, by name and with its rows, to be confirmed before it can start.
import { Show } from 'solid-js'
import type { PlanAnswer } from '../../../shared/plan-api.ts'
import { rowsText, t } from '../../i18n/index.ts'
import { objectText } from '../../i18n/objects.ts'
import { Cut } from '../../parts/cut.tsx'
import { Check } from '../../parts/field.tsx'
import { draft } from '../../state/draft.ts'
import { confirmDestroyed, isConfirmed } from '../../state/plan.ts'
import { thereText } from './object-line.tsx'

export const confirmId = 'confirm-destroyed'

/** `shop @ db.example` */
export function destinationText(): string {
  const { database, host } = draft.destination.fields
  return [database, host].filter(Boolean).join(' @ ')
}

export function Destroyed(props: { list: PlanAnswer['destroyed']; confirmable?: boolean }) {
  return (
    <Show
      when={props.list.length > 0}
      fallback={<p class="nothing-destroyed">{t('options.destroyedNothing')}</p>}
    >
      <section class="destroyed" aria-labelledby="destroyed">
        <h3 id="destroyed">
          {t('options.destroyed')} <span class="numbers">({rowsText(props.list.length)})</span>
        </h3>
        <Cut
          list={props.list}
          each={(one) => (
            <li>
              <span class="verb">{t(one.action === 'drop' ? 'options.dropped' : 'options.truncated')}</span>{' '}
              <b>{objectText(one.kind ?? 'TABLE', one)}</b>
              <Show when={one.there}>
                {(there) => (
                  <span class="numbers">
                    {' '}
                    {t('plan.lost', {
                      rows: there().rows < 0 ? t('plan.unknownRows') : thereText(there()),
                      place: props.confirmable ? ` ${t('plan.on', { place: destinationText() })}` : '',
                    })}
                  </span>
                )}
              </Show>
              <Show when={one.because}>{(reason) => <span> ({reason()})</span>}</Show>
            </li>
          )}
        />
        <Show when={props.confirmable && !draft.options.dryRun}>
          <div id={confirmId}>
            <Check
              class="confirm"
              label={t('options.confirm', { database: destinationText() })}
              checked={isConfirmed()}
              onChange={confirmDestroyed}
            />
          </div>
        </Show>
      </section>
    </Show>
  )
}
