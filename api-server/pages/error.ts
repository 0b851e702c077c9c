import { html } from 'ghtml'
import { page } from './layout.ts'

/** The page for a request that cannot go back to its client. @param content.code an error code of OAuth */
export function errorPage({ code, description }: { code: string; description: string | undefined }): string {
  return page(
    'This did not work',
    html`<p class="problem" role="alert">${description ?? 'The request is not valid.'}</p>
<p>Go back to the application and start again. If this happens again, tell its owner the code <code>${code}</code>.</p>`,
  )
}
