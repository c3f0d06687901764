// The initial copy.
import { Index, Show } from 'solid-js'
import type { CopyOverview } from '../../shared/follow-view.ts'
import { formatPercent } from '../../shared/format.ts'
import { showName } from '../../shared/table-name.ts'
import { bytesText, durationText, rowsText, t } from '../i18n/index.ts'
import { Bar } from '../parts/bar.tsx'

export function CopyPanel(props: { copy: CopyOverview; running: boolean }) {
  return (
    <section class="panel overall" aria-labelledby="copy">
      <h2 id="copy">{t('follow.copy.title')}</h2>
      <Bar
        percent={props.copy.overall_percent}
        label={t('follow.copy.title')}
        tone={props.running ? 'large' : props.copy.overall_percent >= 100 ? 'large good' : 'large warn'}
        text={formatPercent(props.copy.overall_percent)}
      />
      <p class="numbers">
        {formatPercent(props.copy.overall_percent)}
        {' · '}
        {t('follow.copy.tables', {
          done: rowsText(props.copy.tables_done),
          total: rowsText(props.copy.tables),
        })}
        {' · '}
        {t('follow.copy.rows', {
          rows: rowsText(props.copy.rows),
          bytes: bytesText(props.copy.bytes),
          total: bytesText(props.copy.total_bytes),
        })}
        <Show when={props.running && props.copy.remaining_seconds}>
          {(seconds) => ` · ${t('run.remaining')} ${durationText(Math.round(seconds()))}`}
        </Show>
      </p>
      <Show when={props.running && props.copy.running.length > 0}>
        <h3>{t('follow.copy.running')}</h3>
        <ul class="copying">
          <Index each={props.copy.running}>
            {(table) => (
              <li>
                <span>{showName(table())}</span>
                <Bar percent={table().percent} label={showName(table())} />
                <span class="numbers">{formatPercent(table().percent)}</span>
              </li>
            )}
          </Index>
        </ul>
      </Show>
    </section>
  )
}
