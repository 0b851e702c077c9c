import { html } from 'ghtml'
import type { PageProblem } from './problem-message.ts'

/** A field for text, with its label. */
export interface TextField {
  /** Its name in the form, and its ID on the page. */
  name: string
  label: string
  type?: 'text' | 'email' | 'password'
  /** For browsers and password managers: `username`, `current-password`, `new-password`, `one-time-code`. */
  autocomplete: string
  /** What helps to fill it in. */
  hint?: string
  value?: string | undefined
  maxlength?: number
  /** More attributes by their names, such as `inputmode`. */
  more?: Readonly<Record<string, string>>
}

/** HTML of a required field. @param problem is shown here if it is about this field, and the field gets the focus */
export function textField(field: TextField, problem?: PageProblem | undefined): string {
  const { name, label, type = 'text', autocomplete, hint, value, maxlength, more = {} } = field
  const isWrong = problem?.field === name
  const notes = [
    ...(hint === undefined ? [] : [{ id: `${name}-hint`, kind: 'hint', text: hint }]),
    ...(isWrong ? [{ id: `${name}-problem`, kind: 'field-problem', text: problem.message }] : []),
  ]
  const attributes = {
    ...(notes.length > 0 && { 'aria-describedby': notes.map(({ id }) => id).join(' ') }),
    ...(isWrong && { 'aria-invalid': 'true', autofocus: '' }),
    ...(maxlength !== undefined && { maxlength: String(maxlength) }),
    ...(value !== undefined && { value }),
    ...more,
  }
  const rest = Object.entries(attributes).map(([key, text]) => html` ${key}="${text}"`)
  return html`<label for="${name}">${label}</label>
!${notes.map(({ id, kind, text }) => html`<p id="${id}" class="${kind}">${text}</p>`).join('')}
<input id="${name}" name="${name}" type="${type}" autocomplete="${autocomplete}" required!${rest.join('')}>`
}

/** What went wrong, at the beginning of the page, with a link to its field; nothing for undefined. */
export function problemSummary(problem: PageProblem | undefined): string {
  if (problem === undefined) return ''
  const { field, message } = problem
  const text = field === undefined ? html`${message}` : html`<a href="#${field}">${message}</a>`
  return html`<p class="problem" role="alert">!${text}</p>`
}

export function hiddenField(name: string, value: string): string {
  return html`<input type="hidden" name="${name}" value="${value}">`
}
