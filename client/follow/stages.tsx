// The stages from preflight to done.
import { For } from 'solid-js'
import { type FollowView, followStages } from '../../shared/follow-view.ts'
import { t } from '../i18n/index.ts'

export function StageLine(props: { view: FollowView }) {
  const present = () => followStages.indexOf(props.view.stage)
  return (
    <section class="stage-line" aria-label={t('follow.stages')}>
      <ol>
        <For each={followStages}>
          {(stage, index) => (
            <li
              classList={{
                behind: index() < present() || props.view.stage === 'done',
                here: index() === present(),
              }}
              aria-current={index() === present() ? 'step' : undefined}
            >
              <span class="stage-mark" aria-hidden="true">
                {index() < present() || props.view.stage === 'done' ? '✓' : ''}
              </span>
              {t(`follow.stage.${stage}`)}
            </li>
          )}
        </For>
      </ol>
    </section>
  )
}
