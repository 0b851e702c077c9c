import { html } from 'ghtml'
import { hiddenField } from './form.ts'
import type { PageContext } from './pages.ts'

/** A form that the script of the pages shows and fills in. */
interface PasskeyForm {
  /** `login`: the browser also offers passkeys in the field for the email. */
  kind: 'login' | 'get' | 'create'
  /** Where the form goes. */
  action: string
  /** Where the script asks for the options, with the fields of the form; or the options themselves. */
  options: string | object
  /** More fields by their names. */
  hidden?: Readonly<Record<string, string>>
  /** HTML of more fields. */
  fields?: string
  label: string
}

/** HTML of the form. Browsers without JavaScript, or without passkeys, do not show it. */
export function passkeyForm({ t }: PageContext, form: PasskeyForm): string {
  const { kind, action, options, hidden = {}, fields = '', label } = form
  const notes = {
    NotAllowedError: t('passkey.cancelled'),
    ...(kind === 'create' && { InvalidStateError: t('problem.passkey_taken') }),
  }
  return html`<form method="post" action="${action}" data-passkey="${kind}" !${optionsOf(options)} hidden>
!${Object.entries({ ...hidden, credential: '' }).map(([name, value]) => hiddenField(name, value))}
!${Object.entries(notes).map(([name, text]) => html`<p class="problem" role="alert" data-note="${name}" hidden>${text}</p>`)}
!${fields}
<button type="submit" class="plain">${label}</button>
</form>`
}

function optionsOf(options: string | object): string {
  if (typeof options === 'string') return html`data-options="${options}"`
  return html`data-ready="${JSON.stringify(options)}"`
}
