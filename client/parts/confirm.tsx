// A confirmation dialog.
import { AlertDialog } from '@kobalte/core/alert-dialog'
import type { JSX } from 'solid-js'

export function Confirm(props: {
  open: boolean
  title: string
  children: JSX.Element
  yes: string
  no: string
  onYes: () => void
  onClose: () => void
}) {
  return (
    <AlertDialog open={props.open} onOpenChange={(open) => !open && props.onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay class="dialog-overlay" />
        <AlertDialog.Content class="dialog">
          <AlertDialog.Title as="h2" class="dialog-title">
            {props.title}
          </AlertDialog.Title>
          <AlertDialog.Description class="dialog-text">{props.children}</AlertDialog.Description>
          <div class="actions end">
            <button type="button" onClick={() => props.onClose()}>
              {props.no}
            </button>
            <button type="button" class="danger" onClick={() => props.onYes()}>
              {props.yes}
            </button>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog>
  )
}
