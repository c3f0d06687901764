// A progress bar. Colour is never the only sign: its text is beside it.
export function Bar(props: { percent: number; label: string; tone?: string; text?: string }) {
  const percent = () => Math.max(0, Math.min(100, props.percent))
  return (
    <div
      class={`bar ${props.tone ?? ''}`}
      role="progressbar"
      aria-label={props.label}
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow={Math.floor(percent())}
      aria-valuetext={props.text}
    >
      <div class="bar-fill" style={{ transform: `scaleX(${percent() / 100})` }} />
    </div>
  )
}
