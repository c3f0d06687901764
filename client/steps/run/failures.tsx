// Failed objects with the server's error, skipped objects, and warnings.
import { Show } from 'solid-js'
import { inLanguage, rowsText, t } from '../../i18n/index.ts'
import { objectText } from '../../i18n/objects.ts'
import { Cut } from '../../parts/cut.tsx'
import { ErrorText } from '../../parts/error-text.tsx'
import { Notice } from '../../parts/notice.tsx'
import { job } from '../../state/job.ts'
import { splitError } from '../../state/split-error.ts'

interface Failed {
  kind: string
  schema: string
  name: string
  error: string
}

export function Failures() {
  const failed = () => job.overview()?.failed ?? []
  const skipped = () => job.overview()?.skipped ?? []
  const warnings = () => job.overview()?.warnings ?? []
  return (
    <>
      <FailureList failed={failed()} />
      <Show when={skipped().length > 0}>
        <details class="panel skipped">
          <summary>{t('run.skipped', { count: rowsText(skipped().length) })}</summary>
          <Cut
            list={skipped()}
            each={(one) => (
              <li>
                <b>{objectText(one.kind, one)}</b>: {inLanguage(one.reason)}
              </li>
            )}
          />
        </details>
      </Show>
      <Show when={warnings().length > 0 && !job.overview()?.plan}>
        <details class="panel warnings">
          <summary>{t('run.warnings', { count: rowsText(warnings().length) })}</summary>
          <Cut list={warnings()} each={(text) => <li>{inLanguage(text)}</li>} />
        </details>
      </Show>
    </>
  )
}

export function FailureList(props: { failed: readonly Failed[] }) {
  return (
    <Show when={props.failed.length > 0}>
      <div class="failures">
        <Notice
          tone="bad"
          role="group"
          title={<span role="alert">{t('run.failures', { count: rowsText(props.failed.length) })}</span>}
        >
          <p>{t('run.failuresLead')}</p>
          <Cut list={props.failed} each={(one) => <Failure failed={one} />} />
        </Notice>
      </div>
    </Show>
  )
}

function Failure(props: { failed: Failed }) {
  const parts = () => splitError(props.failed.error)
  return (
    <li class="failure">
      <b>{objectText(props.failed.kind, props.failed)}</b>
      <ErrorText error={parts()} />
    </li>
  )
}
