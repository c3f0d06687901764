// The options of following, beside the plan.
import { For, Show } from 'solid-js'
import { movePattern } from '../../../shared/follow-options.ts'
import { t } from '../../i18n/index.ts'
import { Check } from '../../parts/field.tsx'
import { NumberField } from '../../parts/number-field.tsx'
import { Section } from '../../parts/section.tsx'
import { TextField } from '../../parts/text-field.tsx'
import { draft, setFollow } from '../../state/draft.ts'

const amounts = ['readyLagBytes', 'readyLagSeconds', 'readyForSeconds', 'refreshSequencesSeconds'] as const

/** Shown while the draft says that changes are followed after the copy. */
export function FollowChoice() {
  return (
    <Section title={t('follow.choice.more')}>
      <Show when={draft.options.dryRun}>
        <p class="quiet" role="status">
          {t('follow.choice.notDry')}
        </p>
      </Show>
      <div class="option-lines">
        <Check
          class="option"
          label={t('follow.choice.bidirectional')}
          help={t('follow.choice.bidirectionalHelp')}
          checked={draft.follow.bidirectional}
          onChange={(checked) => setFollow({ bidirectional: checked })}
        />
        <Check
          class="option"
          label={t('follow.choice.native')}
          help={t('follow.choice.nativeHelp')}
          checked={draft.follow.engine === 'native'}
          onChange={(checked) => setFollow({ engine: checked ? 'native' : 'pgtrek' })}
        />
        <Check
          class="option"
          label={t('follow.choice.verifyWhileFollowing')}
          help={t('follow.choice.verifyWhileFollowingHelp')}
          checked={draft.follow.verifyWhileFollowing}
          onChange={(checked) => setFollow({ verifyWhileFollowing: checked })}
        />
        <TextField
          class="option"
          label={t('follow.choice.insertsOnly')}
          help={t('follow.choice.insertsOnlyHelp')}
          value={draft.follow.insertsOnly.join(', ')}
          onChange={(text) => setFollow({ insertsOnly: listOf(text) })}
        />
        <For each={amounts}>
          {(name) => (
            <NumberField
              label={t(`follow.choice.${name}`)}
              help={t(`follow.choice.${name}Help`)}
              value={draft.follow[name]}
              minimum={0}
              onChange={(value) => setFollow({ [name]: value })}
            />
          )}
        </For>
        <TextField
          class="option"
          label={t('follow.choice.name')}
          help={t('follow.choice.nameHelp')}
          value={draft.follow.name ?? ''}
          wrong={isName(draft.follow.name) ? undefined : t('follow.choice.nameWrong')}
          onChange={(text) => setFollow({ name: text.trim() || undefined })}
        />
        <TextField
          class="option"
          label={t('follow.choice.publication')}
          help={t('follow.choice.publicationHelp')}
          value={draft.follow.publication ?? ''}
          onChange={(text) => setFollow({ publication: text.trim() || undefined })}
        />
      </div>
    </Section>
  )
}

function isName(name: string | undefined): boolean {
  return name === undefined || new RegExp(movePattern).test(name)
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}
