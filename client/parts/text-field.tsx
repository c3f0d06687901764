// A labelled field for a URL, a name or another text that is entered letter by letter: the browser neither completes nor
// corrects it.
import { type ComponentProps, splitProps } from 'solid-js'
import { Field } from './field.tsx'

export function TextField(
  props: Pick<ComponentProps<typeof Field>, 'label' | 'help' | 'wrong' | 'class'> & {
    value: string
    placeholder?: string | undefined
    /** For URLs and names of objects. */
    mono?: boolean
    numeric?: boolean
    onInput?: (text: string) => void
    /** When the entry is complete. */
    onChange?: (text: string) => void
    onBlur?: () => void
  },
) {
  const [field, input] = splitProps(props, ['label', 'help', 'wrong', 'class'])
  return (
    <Field {...field}>
      {(ids) => (
        <input
          {...ids}
          classList={{ mono: input.mono === true }}
          type="text"
          inputmode={input.numeric ? 'numeric' : 'text'}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          placeholder={input.placeholder ?? ''}
          value={input.value}
          onInput={(event) => input.onInput?.(event.currentTarget.value)}
          onChange={(event) => input.onChange?.(event.currentTarget.value)}
          onBlur={() => input.onBlur?.()}
        />
      )}
    </Field>
  )
}
