// The search of a list, in its toolbar.
export function SearchField(props: {
  label: string
  placeholder?: string
  value: string
  onSearch: (text: string) => void
}) {
  return (
    <input
      type="search"
      class="grow"
      aria-label={props.label}
      placeholder={props.placeholder ?? props.label}
      value={props.value}
      onInput={(event) => props.onSearch(event.currentTarget.value)}
    />
  )
}
