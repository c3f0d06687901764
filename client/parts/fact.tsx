// Entries of a list of facts (`dl`): a name, and a text or a figure.
import type { JSX } from 'solid-js'

interface FactProps {
  name: string
  children: JSX.Element
}

export function Fact(props: FactProps) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  )
}

/** Its digits have one width, so that a value that changes does not move. */
export function Figure(props: FactProps) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd class="numbers">{props.children}</dd>
    </div>
  )
}
