// The dialog that drops what following created, and the list of what was dropped.
import { createSignal, For, Show } from 'solid-js'
import { type Side, sides } from '../../shared/constants.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { api } from '../api/calls.ts'
import { inLanguage, t } from '../i18n/index.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Check, Field } from '../parts/field.tsx'
import { Notice, Problem } from '../parts/notice.tsx'
import { setCleaned } from '../state/cleaned.ts'
import { go } from '../state/route.ts'
import { createEnds, EndFields } from './ends.tsx'
import { createRequest } from './request.ts'

interface DialogProps {
  view: FollowView
  open: boolean
  onClose: () => void
}

export function CleanupDialog(props: DialogProps) {
  return (
    <Dialog open={props.open} title={t('follow.cleanup.title')} onClose={props.onClose}>
      <Form {...props} />
    </Dialog>
  )
}

function Form(props: DialogProps) {
  const ends = createEnds(props.view)
  const [sure, setSure] = createSignal(false)
  const [writable, setWritable] = createSignal(false)
  const [discard, setDiscard] = createSignal(false)
  const [gone, setGone] = createSignal<Side>()
  const { busy, problem, send } = createRequest()
  async function clean(event: SubmitEvent) {
    event.preventDefault()
    const { name } = props.view
    const lost = gone()
    const answer = await send(() =>
      api.cleanUp({
        ...{ name, ...ends.conns(), writable: writable(), discard_late_writes: discard() },
        ...(lost && { gone: lost }),
      }),
    )
    if (!answer) return
    setCleaned({ name, dropped: answer.dropped, remarks: answer.remarks })
    props.onClose()
    // The move is no longer known: its page would be empty.
    go('/#follow')
  }
  return (
    <form class="dialog-form" onSubmit={(event) => void clean(event)}>
      <p>{t('follow.cleanup.lead')}</p>
      <EndFields of={ends} />
      <Show when={props.view.switchover?.report?.read_only.set}>
        <Check
          label={t('follow.cleanup.writable')}
          help={t('follow.cleanup.writableHelp')}
          checked={writable()}
          onChange={setWritable}
        />
      </Show>
      <Show when={props.view.switchover?.state === 'done'}>
        <Check
          label={t('follow.cleanup.discard')}
          help={t('follow.cleanup.discardHelp')}
          checked={discard()}
          onChange={setDiscard}
        />
      </Show>
      <Field label={t('follow.cleanup.gone')} help={t('follow.cleanup.goneHelp')}>
        {(ids) => (
          <select
            {...ids}
            value={gone() ?? ''}
            onChange={(event) => setGone(sides.find((side) => side === event.currentTarget.value))}
          >
            <option value="">{t('follow.cleanup.goneNone')}</option>
            <For each={sides}>{(side) => <option value={side}>{t(`connections.${side}`)}</option>}</For>
          </select>
        )}
      </Field>
      <Check label={t('follow.cleanup.confirm')} checked={sure()} onChange={setSure} />
      <Show when={problem()}>{(error) => <Problem of={error()} />}</Show>
      <div class="actions end">
        <button type="button" onClick={() => props.onClose()}>
          {t('app.cancel')}
        </button>
        <button type="submit" class="danger" disabled={!sure() || busy()}>
          {t('follow.cleanup.yes')}
        </button>
      </div>
    </form>
  )
}

/** Shown on the list, since the cleaned-up move has no page any more. */
export function Cleaned(props: { name: string; dropped: readonly string[]; remarks: readonly string[] }) {
  return (
    <Notice tone="good" role="status" title={`${t('follow.cleanup.done')}: ${props.name}`}>
      <Show when={props.dropped.length > 0} fallback={<p>{t('follow.cleanup.nothing')}</p>}>
        <p>{t('follow.cleanup.dropped')}</p>
        <ul class="reasons">
          <For each={props.dropped}>{(what) => <li>{inLanguage(what)}</li>}</For>
        </ul>
      </Show>
      <For each={props.remarks}>{(remark) => <p>{inLanguage(remark)}</p>}</For>
    </Notice>
  )
}
