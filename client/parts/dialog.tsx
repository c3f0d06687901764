// A dialog with a form. Escape closes it, and the focus returns.
import { AlertDialog } from '@kobalte/core/alert-dialog'
import type { JSX } from 'solid-js'

export function Dialog(props: { open: boolean; title: string; children: JSX.Element; onClose: () => void }) {
  return (
    <AlertDialog open={props.open} onOpenChange={(open) => !open && props.onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay class="dialog-overlay" />
        <AlertDialog.Content class="dialog wide">
          <AlertDialog.Title as="h2" class="dialog-title">
            {props.title}
          </AlertDialog.Title>
          {props.children}
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog>
  )
}
