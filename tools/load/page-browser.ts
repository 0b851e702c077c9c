/** What a browser shows. */
export interface Page {
  url: URL
  status: number
  text: string
  headers: Headers
}

/** A browser as far as the pages need one: cookies with their paths, redirects, and forms. */
export class PageBrowser {
  readonly #fetch: typeof fetch
  readonly #issuer: string
  readonly #origins: readonly string[]
  readonly #cookies = new Map<string, { value: string; path: string }>()

  /**
   * @param fetch reaches the issuer and the applications
   * @param applications origins of other pages that it loads. They get the cookies of the issuer, as on one host
   */
  constructor(fetch: typeof globalThis.fetch, issuer: string, applications: readonly string[] = []) {
    this.#fetch = fetch
    this.#issuer = issuer
    this.#origins = [issuer, ...applications]
  }

  /** The value of a cookie for all paths. */
  cookie(name: string): string | undefined {
    return this.#cookies.get(`${name} /`)?.value
  }

  /** Keeps what a response at the API has set. @param line the header `set-cookie` */
  keep(line: string): void {
    this.#keep([line])
  }

  /**
   * Follows redirects within its origins. A redirect to another client is the page of it, without an answer.
   * @param origin of the page that sends the form; empty: the browser sends none
   */
  async open(url: string | URL, form?: Record<string, string>, origin = new URL(this.#issuer).origin): Promise<Page> {
    let next = new URL(url, this.#issuer)
    let posted = form
    for (let redirects = 0; redirects < 10; redirects++) {
      if (!this.#origins.includes(next.origin)) return { url: next, status: 0, text: '', headers: new Headers() }
      const cookie = [...this.#cookies]
        .filter(([, { path }]) => `${next.pathname}/`.startsWith(path.replace(/\/?$/, '/')))
        .map(([key, { value }]) => `${key.split(' ')[0]}=${value}`)
        .join('; ')
      const answer = await this.#fetch(next, {
        method: posted === undefined ? 'GET' : 'POST',
        headers: {
          accept: 'text/html',
          'user-agent': 'Test Browser',
          ...(cookie !== '' && { cookie }),
          ...(posted !== undefined && origin !== '' && { origin }),
        },
        ...(posted !== undefined && { body: new URLSearchParams(posted) }),
        redirect: 'manual',
      })
      this.#keep(answer.headers.getSetCookie())
      // That of a redirect, too: until then, its connection serves no other request.
      const text = await answer.text()
      const location = answer.headers.get('location')
      if (location === null) return { url: next, status: answer.status, text, headers: answer.headers }
      next = new URL(location, next)
      posted = undefined
    }
    throw new Error(`too many redirects, the last one to ${next}`)
  }

  /** Opens a link of a page. @param target the end of its path */
  follow({ url, text }: Page, target: string): Promise<Page> {
    const links = [...text.matchAll(/<a[^>]* href="([^"]+)"/g)].map(([, href = '']) => decoded(href))
    const link = links.find((href) => href.split('?')[0]?.endsWith(target))
    if (link === undefined) throw new Error(`no link ends with ${target}:\n${text}`)
    return this.open(new URL(link, url))
  }

  /** Chooses another language at the end of a page. @param tag of the language */
  inLanguage(tag: string, { url, text }: Page): Promise<Page> {
    const href = new RegExp(`<a href="([^"]+)" lang="${tag}"`).exec(text)?.[1]
    if (href === undefined) throw new Error(`the page offers no ${tag}:\n${text}`)
    return this.open(new URL(decoded(href), url))
  }

  /** Sends the form of a page. @param action the end of its path */
  submit({ url, text }: Page, action: string, values: Record<string, string> = {}): Promise<Page> {
    const forms = [...text.matchAll(/<form[^>]* action="([^"]+)"[^>]*>([\s\S]*?)<\/form>/g)]
    const form = forms.find(([, target]) => target?.split('?')[0]?.endsWith(action))
    if (form === undefined) throw new Error(`no form ends with ${action}:\n${text}`)
    const hidden = [...(form[2] ?? '').matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)]
    const fields = Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value]))
    return this.open(new URL(decoded(form[1] ?? ''), url), { ...fields, ...values })
  }

  #keep(lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split(/; */)
      const [name = '', value = ''] = pair.split(/=(.*)/s)
      const path = attributes.find((each) => /^path=/i.test(each))?.slice(5) ?? '/'
      if (name.startsWith('__Host-') && path !== '/') throw new Error(`a browser refuses ${line}`)
      if (name.startsWith('__') && !attributes.some((each) => /^secure$/i.test(each))) {
        throw new Error(`a browser refuses ${line}`)
      }
      const key = `${name} ${path}`
      if (value === '' || attributes.some((each) => /^expires=Thu, 01 Jan 1970/i.test(each))) this.#cookies.delete(key)
      else this.#cookies.set(key, { value, path })
    }
  }
}

/** The value of an attribute of a page. */
function decoded(attribute: string): string {
  return attribute.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))).replaceAll('&amp;', '&')
}
