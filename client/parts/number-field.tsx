// A number within limits. Other input is marked as wrong and not used.
import { createSignal, type JSX } from 'solid-js'
import { rowsText, t } from '../i18n/index.ts'
import { Field } from './field.tsx'

export function NumberField(props: {
  label: string
  help?: JSX.Element
  value: number
  minimum: number
  maximum?: number | undefined
  after?: JSX.Element
  onChange: (value: number) => void
}) {
  const [typed, setTyped] = createSignal<string>()
  const isRight = (text: string) =>
    /^-?\d+$/.test(text.trim()) &&
    Number(text) >= props.minimum &&
    Number(text) <= (props.maximum ?? Number.MAX_SAFE_INTEGER)
  const wrong = () => {
    const text = typed()
    if (text === undefined || isRight(text)) return undefined
    const { minimum, maximum } = props
    return maximum === undefined
      ? t('options.numberWrongLeast', { minimum })
      : t('options.numberWrong', { minimum, maximum: rowsText(maximum) })
  }
  return (
    <Field class="option" label={props.label} help={props.help} wrong={wrong()}>
      {(ids) => (
        <div class="amount">
          <input
            {...ids}
            class="numbers"
            type="text"
            inputmode="numeric"
            value={typed() ?? String(props.value)}
            onInput={(event) => {
              const text = event.currentTarget.value
              setTyped(text)
              if (isRight(text)) props.onChange(Number(text))
            }}
            onBlur={() => !wrong() && setTyped(undefined)}
          />
          {props.after}
        </div>
      )}
    </Field>
  )
}
