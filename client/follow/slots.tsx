// Replication slots: whether they are active, how much log is kept for them, and warnings.
import { For, Index, Show } from 'solid-js'
import type { FollowView, SlotView } from '../../shared/follow-view.ts'
import { bytesText, t } from '../i18n/index.ts'
import { Notice } from '../parts/notice.tsx'
import { hasProcess } from '../state/follows.ts'

/** Warn from here on, also where the server has no limit. */
const muchBytes = 1024 ** 3

export function Slots(props: { view: FollowView }) {
  const streams = () => props.view.streams.filter(({ slot }) => slot)
  const slots = () => streams().flatMap(({ slot }) => (slot ? [slot] : []))
  return (
    <Show when={slots().length > 0}>
      <section class="panel slots" classList={{ old: !hasProcess(props.view) }} aria-labelledby="slots">
        <h2 id="slots">{t('follow.slots.title')}</h2>
        <For each={slots()}>{(slot) => <Danger slot={slot} />}</For>
        <section class="scroll-x" aria-label={t('follow.slots.list')} tabindex="0">
          <table>
            <thead>
              <tr>
                <th scope="col">{t('follow.slots.slot')}</th>
                <th scope="col">{t('follow.slots.way')}</th>
                <th scope="col">{t('follow.slots.active')}</th>
                <th scope="col" class="right">
                  {t('follow.slots.retained')}
                </th>
              </tr>
            </thead>
            <tbody>
              <Index each={streams()}>
                {(stream) => (
                  <tr>
                    <th scope="row" class="mono">
                      {stream().slot?.name}
                    </th>
                    <td>{t(stream().direction === 'forward' ? 'follow.forward' : 'follow.back')}</td>
                    <td>{t(stream().slot?.active ? 'app.yes' : 'app.no')}</td>
                    <td class="right numbers">{bytesText(stream().slot?.retained_bytes ?? 0)}</td>
                  </tr>
                )}
              </Index>
            </tbody>
          </table>
        </section>
      </section>
    </Show>
  )
}

function Danger(props: { slot: SlotView }) {
  return (
    <>
      <Show when={props.slot.lost}>
        {(why) => (
          <Notice tone="bad" role="alert" title={props.slot.name}>
            <p>{t('follow.slots.lost', { why: why() })}</p>
          </Notice>
        )}
      </Show>
      <Show when={props.slot.endangered && !props.slot.lost}>
        <Notice tone="bad" role="alert" title={props.slot.name}>
          <p>{t('follow.slots.endangered')}</p>
        </Notice>
      </Show>
      <Show when={props.slot.retained_bytes >= muchBytes && !props.slot.lost}>
        <Notice tone="warn" title={props.slot.name}>
          <p>{t('follow.slots.retainedMuch', { bytes: bytesText(props.slot.retained_bytes) })}</p>
        </Notice>
      </Show>
    </>
  )
}
