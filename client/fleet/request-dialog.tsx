// Requests of the buttons: sent at once, or after a confirmation.
import { createSignal, Show } from 'solid-js'
import { api } from '../api/calls.ts'
import { createRequest } from '../follow/request.ts'
import { t } from '../i18n/index.ts'
import { Confirm } from '../parts/confirm.tsx'
import { Notice, Problem } from '../parts/notice.tsx'
import type { Asked } from './actions.tsx'
import { CompleteDialog } from './complete.tsx'
import { InstructionsDialog } from './instructions.tsx'
import { type Place, placeName } from './place.ts'
import { SwitchoverDialog } from './switchover.tsx'

interface Question {
  what: Asked
  place: Place
}

export function createAsked() {
  const [question, setQuestion] = createSignal<Question>()
  const [taken, setTaken] = createSignal<string>()
  const { problem, send } = createRequest()
  const act = async (type: 'pause' | 'resume' | 'retry', place: Place) => {
    setQuestion(undefined)
    setTaken(undefined)
    const answer = await send(() => api.fleetAct({ type, ...place }))
    if (answer) setTaken(placeName(place))
  }
  const onAsk = (what: Asked, place: Place) => {
    if (what === 'resume' || what === 'retry') void act(what, place)
    else setQuestion({ what, place })
  }
  const view = () => <View question={question()} onClose={close} onTaken={setTaken} onPause={pause} />
  const close = () => setQuestion(undefined)
  const pause = (place: Place) => void act('pause', place)
  const outcome = () => (
    <>
      <div role="status">
        <Show when={taken()}>
          {(place) => <Notice tone="good">{t('fleet.actions.taken', { place: place() })}</Notice>}
        </Show>
      </div>
      <Show when={problem()}>{(error) => <Problem of={error()} />}</Show>
    </>
  )
  return { onAsk, view, outcome }
}

function View(props: {
  question: Question | undefined
  onClose: () => void
  onTaken: (place: string) => void
  onPause: (place: Place) => void
}) {
  const placeOf = (what: Asked) => (props.question?.what === what ? props.question.place : undefined)
  return (
    <>
      <Confirm
        open={placeOf('pause') !== undefined}
        title={t('fleet.actions.pauseTitle', { place: placeName(placeOf('pause') ?? {}) })}
        yes={t('fleet.actions.pauseYes')}
        no={t('fleet.actions.no')}
        onYes={() => props.onPause(placeOf('pause') ?? {})}
        onClose={props.onClose}
      >
        {t('fleet.actions.pauseLead')}
      </Confirm>
      <SwitchoverDialog place={placeOf('switchover')} onClose={props.onClose} onTaken={props.onTaken} />
      <SwitchoverDialog back place={placeOf('back')} onClose={props.onClose} onTaken={props.onTaken} />
      <CompleteDialog place={placeOf('complete')} onClose={props.onClose} onTaken={props.onTaken} />
      <InstructionsDialog place={placeOf('instructions')} onClose={props.onClose} />
    </>
  )
}
