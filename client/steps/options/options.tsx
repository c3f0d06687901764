import './options.css'
import { For } from 'solid-js'
import type { MigrationOptions } from '../../../shared/request.ts'
import { t } from '../../i18n/index.ts'
import { resetOptions } from '../../state/draft.ts'
import { keepPlan } from '../../state/plan.ts'
import { goToStep } from '../../state/route.ts'
import { UnusedSelection } from '../selection/unused.tsx'
import { FollowChoice } from './follow-choice.tsx'
import { OptionField } from './option-field.tsx'
import { PlanPanel } from './plan-panel.tsx'
import { StartButton } from './start.tsx'

type Group = {
  title: 'existing' | 'run' | 'speed' | 'along'
  options: (keyof MigrationOptions)[]
  more?: true
}

/** First the common options, then the rare ones. */
export const optionGroups: Group[] = [
  { title: 'existing', options: ['existingTableMode', 'existingDataMode', 'batchSize', 'disableFk'] },
  { title: 'run', options: ['workers', 'dryRun', 'verify', 'failFast', 'skipPreflight', 'resume'] },
  {
    title: 'along',
    more: true,
    options: [
      'schemaOnly',
      'dataOnly',
      'owner',
      'acl',
      'comments',
      'tablespaces',
      'publications',
      'securityLabels',
      'analyze',
      'disableTriggers',
      'skipExtensions',
    ],
  },
  {
    title: 'speed',
    more: true,
    options: [
      'indexWorkers',
      'splitBytes',
      'maxBytesPerSecond',
      'maintenanceWorkMemKb',
      'parallelMaintenanceWorkers',
    ],
  },
]

export function OptionsStep() {
  keepPlan()
  return (
    <section class="step">
      <header class="step-head with-action">
        <h1>{t('options.title')}</h1>
        <button type="button" onClick={resetOptions}>
          {t('options.reset')}
        </button>
      </header>
      <UnusedSelection />
      <div class="option-groups">
        <For each={optionGroups.filter(({ more }) => !more)}>{(group) => <OptionGroup group={group} />}</For>
      </div>
      <details class="panel more-options">
        <summary>{t('options.more')}</summary>
        <div class="option-groups">
          <For each={optionGroups.filter(({ more }) => more)}>{(group) => <OptionGroup group={group} />}</For>
        </div>
      </details>
      <FollowChoice />
      <PlanPanel />
      <div class="actions between">
        <button type="button" onClick={() => goToStep('selection')}>
          <span aria-hidden="true">←</span> {t('app.back')}
        </button>
        <StartButton />
      </div>
    </section>
  )
}

function OptionGroup(props: { group: Group }) {
  return (
    <fieldset class="option-group" classList={{ panel: !props.group.more }}>
      <legend>{t(`options.groups.${props.group.title}`)}</legend>
      <For each={props.group.options}>{(name) => <OptionField name={name} />}</For>
    </fieldset>
  )
}
