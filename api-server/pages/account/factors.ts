import { html } from 'ghtml'
import type { CreationOptions } from '../../plugins/app/passkeys/options.ts'
import { hiddenField, textField } from '../form.ts'
import { passkeyForm } from '../passkey-form.ts'
import {
  type AccountView,
  accountForm,
  accountPage,
  currentPasswordField,
  dateOf,
  type Outcome,
  pathOf,
} from './layout.ts'

export type FactorType = 'totp' | 'passkey'

/** A second factor, as its user sees it. */
interface ShownFactor {
  id: string
  type: FactorType
  name: string
  createdAt: Date
  lastUsedAt: Date
}

/** The page with the second factors. */
export function factorsPage(
  view: AccountView,
  content: {
    factors: readonly ShownFactor[]
    recoveryCodesLeft: number
    /** What the user can add. */
    types: readonly FactorType[]
  },
  outcome: Outcome,
): string {
  const { t } = view.context
  const { factors, recoveryCodesLeft, types } = content
  const base = pathOf(view, 'factors')
  const items = factors.map(
    (factor) => html`<li><a href="${base}/factor?id=${factor.id}">${factor.name}</a><br>
${t(factor.type === 'totp' ? 'totp.name' : 'passkey.name')}. ${timesOf(view, factor)}</li>`,
  )
  const list = items.length === 0 ? html`<p>${t('factors.none')}</p>` : html`<ul class="items">!${items}</ul>`
  const ways = types.map((type) => html`<a class="button plain" href="${base}/${type}">${t(addTitles[type])}</a>`)
  const codes = html`<h2>${t('factors.recoveryCodes')}</h2>
<p>${t('factors.codesLeft', { count: String(recoveryCodesLeft) })}</p>
!${accountForm(view, { to: 'factors/recovery-codes', label: t('factors.renewCodes'), plain: true })}`
  return accountPage(
    view,
    'factors',
    html`!${list}
!${ways}
!${items.length === 0 ? '' : codes}`,
    outcome,
  )
}

/** The page of one second factor. */
export function factorPage(view: AccountView, factor: ShownFactor, outcome: Outcome): string {
  const { t } = view.context
  const id = hiddenField('id', factor.id)
  const field = textField({ ...nameField(view), value: factor.name }, outcome.problem)
  return accountPage(
    view,
    'factors',
    html`<p>${t(factor.type === 'totp' ? 'totp.name' : 'passkey.name')}. ${timesOf(view, factor)}</p>
!${accountForm(view, { to: 'factors/rename', content: html`!${id}!${field}`, label: t('profile.saveName') })}
<h2>${t('factors.removeTitle')}</h2>
<p>${t('factors.removeHint')}</p>
!${accountForm(view, { to: 'factors/remove', content: id, label: t('factors.remove'), plain: true })}`,
    outcome,
  )
}

/** The page on which a user begins to add a second factor. @param content.name that the user has chosen for it */
export function addFactorPage(
  view: AccountView,
  { type, name }: { type: FactorType; name: string | undefined },
  outcome: Outcome,
): string {
  const { t } = view.context
  const fields = [
    { ...nameField(view), value: name ?? t(type === 'totp' ? 'totp.name' : 'passkey.name') },
    currentPasswordField(view),
  ]
  const content = fields.map((field) => textField(field, outcome.problem)).join('')
  return accountPage(
    view,
    'factors',
    html`<h2>${t(addTitles[type])}</h2>
<p>${t('factors.addHint')}</p>
!${accountForm(view, { to: `factors/${type}`, content, label: t('action.continue') })}`,
    outcome,
  )
}

/** The page on which the browser creates a passkey. Its options are valid for a minute. */
export function createPasskeyPage(
  view: AccountView,
  { name, options }: { name: string; options: CreationOptions },
): string {
  const { t } = view.context
  const form = passkeyForm(view.context, {
    kind: 'create',
    action: `${pathOf(view, 'factors')}/passkey/confirm`,
    options,
    hidden: { xsrf: view.xsrf, name },
    label: t('passkey.create'),
  })
  return accountPage(
    view,
    'factors',
    html`<p>${t('passkey.createHint')}</p>
<noscript><p>${t('passkey.script')}</p></noscript>
!${form}`,
    {},
  )
}

const addTitles = { totp: 'factors.addTotp', passkey: 'factors.addPasskey' } as const

function timesOf(view: AccountView, { createdAt, lastUsedAt }: ShownFactor): string {
  return view.context.t('factors.times', { added: dateOf(view, createdAt), used: dateOf(view, lastUsedAt) })
}

function nameField({ context: { t } }: AccountView) {
  return { name: 'name', label: t('factors.name'), autocomplete: 'off', maxlength: 100 }
}
