import type { JSX } from 'solid-js'
import { go } from '../state/route.ts'

/** A link within the page. With a modifier key the browser handles it. */
export function PageLink(props: {
  to: string
  class?: string
  current?: boolean | 'step'
  children: JSX.Element
}) {
  function follow(event: MouseEvent) {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    go(props.to)
  }
  return (
    <a
      href={props.to}
      class={props.class}
      aria-current={props.current === 'step' ? 'step' : props.current ? 'page' : undefined}
      onClick={follow}
    >
      {props.children}
    </a>
  )
}
