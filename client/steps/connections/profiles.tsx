// Profiles stored by pgtrek, and files of connections and profiles.
import { createEffect, createResource, createSignal, For, Show } from 'solid-js'
import { api, type CallFailed } from '../../api/calls.ts'
import { dateText, t } from '../../i18n/index.ts'
import { download } from '../../parts/download.ts'
import { Check, Field } from '../../parts/field.tsx'
import { Notice, Problem, type Tone } from '../../parts/notice.tsx'
import { profileRequest, takeProfile } from '../../state/draft.ts'
import { connectionFile, savedConnections, takeConnections } from '../../state/saved-connections.ts'

export interface ProfilesProps {
  /** Dropped on the page, to be read. */
  file: File | undefined
  onTaken: () => void
  /** A profile was loaded. */
  onUsed: () => void
}

export function Profiles(props: ProfilesProps) {
  const [profiles, { refetch }] = createResource(() => api.profiles())
  const [said, setSaid] = createSignal<{ tone: Tone; text: string }>()
  const [problem, setProblem] = createSignal<CallFailed>()

  async function attempt(work: () => Promise<unknown>) {
    setProblem(undefined)
    setSaid(undefined)
    try {
      await work()
      await refetch()
    } catch (error) {
      setProblem(error as CallFailed)
    }
  }

  async function use(name: string) {
    await attempt(async () => {
      takeProfile(await api.profile(name))
    })
    if (!problem()) props.onUsed()
  }

  async function save(name: string, passwords: boolean) {
    await attempt(() => api.saveProfile(name, { request: profileRequest(), passwords }))
    if (!problem()) setSaid({ tone: 'good', text: t('connections.profileSaved', { name }) })
  }

  async function takeFile(file: File | undefined) {
    if (!file) return
    const { readConnectionFile } = await import('../../state/connection-file.ts')
    const content = readConnectionFile(await file.text())
    if (!content) {
      setSaid({ tone: 'bad', text: t('connections.fileWrong') })
      return
    }
    takeConnections(content.connections)
    await attempt(() =>
      Promise.all(content.profiles.map(({ name, ...profile }) => api.saveProfile(name, profile))),
    )
    const counts = { connections: content.connections.length, profiles: content.profiles.length }
    if (!problem()) setSaid({ tone: 'good', text: t('connections.fileTaken', counts) })
  }

  createEffect(() => {
    const { file } = props
    if (!file) return
    props.onTaken()
    void takeFile(file)
  })

  const known = () => (profiles.error ? [] : (profiles.latest ?? []))
  return (
    <>
      <p class="quiet">{t('connections.profilesLead')}</p>
      <Show when={profiles.error as CallFailed | undefined}>
        {(error) => <Problem of={error()} onRetry={() => void refetch()} />}
      </Show>
      <Show when={known().length > 0} fallback={<p class="quiet">{t('connections.profilesEmpty')}</p>}>
        <ul class="profile-list">
          <For each={known()}>
            {(profile) => (
              <li>
                <span class="profile-name">{profile.name}</span>
                <span class="quiet">{profile.updated_at ? dateText(profile.updated_at) : ''}</span>
                <button
                  type="button"
                  aria-label={t('connections.useAs', { name: profile.name })}
                  onClick={() => void use(profile.name)}
                >
                  {t('connections.profileUse')}
                </button>
                <button
                  type="button"
                  class="icon"
                  aria-label={t('connections.removeSaved', { name: profile.name })}
                  onClick={() => void attempt(() => api.removeProfile(profile.name))}
                >
                  <span aria-hidden="true">×</span>
                </button>
              </li>
            )}
          </For>
        </ul>
      </Show>
      <SaveProfile onSave={save} />
      <FilePlace
        onFile={(file) => void takeFile(file)}
        canSave={known().length + savedConnections().length > 0}
        onSave={() => download('pgtrek-connections.json', connectionFile(known()))}
      />
      <Show when={problem()}>{(error) => <Problem of={error()} />}</Show>
      <Show when={said()}>
        {(words) => (
          <Notice tone={words().tone} role="status">
            {words().text}
          </Notice>
        )}
      </Show>
    </>
  )
}

function SaveProfile(props: { onSave: (name: string, passwords: boolean) => Promise<void> }) {
  const [name, setName] = createSignal('')
  const [passwords, setPasswords] = createSignal(false)
  return (
    <form
      class="save-profile"
      onSubmit={(event) => {
        event.preventDefault()
        void props.onSave(name().trim(), passwords()).then(() => setName(''))
      }}
    >
      <Field label={t('connections.savedName')}>
        {(ids) => (
          <input
            {...ids}
            type="text"
            maxlength="100"
            value={name()}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        )}
      </Field>
      <Check label={t('connections.profilePasswords')} checked={passwords()} onChange={setPasswords} />
      <button type="submit" disabled={name().trim() === ''}>
        {t('connections.profileSave')}
      </button>
    </form>
  )
}

function FilePlace(props: {
  onFile: (file: File | undefined) => void
  onSave: () => void
  canSave: boolean
}) {
  let input: HTMLInputElement | undefined
  return (
    <div class="file-place">
      <span class="quiet">{t('connections.dropHere')}</span>
      <button type="button" onClick={() => input?.click()}>
        {t('connections.chooseFile')}
      </button>
      <input
        ref={input}
        type="file"
        accept=".json,application/json"
        hidden
        onChange={(event) => {
          props.onFile(event.currentTarget.files?.[0])
          event.currentTarget.value = ''
        }}
      />
      <Show when={props.canSave}>
        <button type="button" onClick={() => props.onSave()}>
          {t('connections.profileFile')}
        </button>
      </Show>
    </div>
  )
}
