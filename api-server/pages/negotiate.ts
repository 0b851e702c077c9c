/** What a browser and an application say about the language of the user. Any text: clients choose it. */
export interface AskedLanguages {
  /** The user's choice on an earlier page. */
  choice?: string | undefined
  /** The parameter `ui_locales` of the application: tags, separated by spaces. OpenID Connect Core section 3.1.2.1. */
  uiLocales?: string | undefined
  /** The header of the browser. RFC 9110 section 12.5.4. */
  acceptLanguage?: string | undefined
}

/**
 * The language of a page. The user's own choice comes first: otherwise it would change nothing for an application that
 * sends `ui_locales` with every request.
 *
 * @param offered tags of languages; the first one is the default
 */
export function negotiateLanguage<Tag extends string>(
  { choice, uiLocales, acceptLanguage }: AskedLanguages,
  offered: readonly [Tag, ...Tag[]],
): Tag {
  const asked = [...wordsOf(choice), ...wordsOf(uiLocales), ...acceptedOf(acceptLanguage)]
  for (const tag of asked) {
    const found = lookUp(tag.toLowerCase(), offered)
    if (found !== undefined) return found
  }
  return offered[0]
}

/** The lookup of RFC 4647 section 3.4: `de-AT` finds `de`. */
function lookUp<Tag extends string>(tag: string, offered: readonly Tag[]): Tag | undefined {
  for (let range = tag; range !== ''; range = range.slice(0, Math.max(range.lastIndexOf('-'), 0))) {
    const found = offered.find((each) => each.toLowerCase() === range)
    if (found !== undefined) return found
  }
  return undefined
}

function wordsOf(text = ''): string[] {
  return text.slice(0, longestText).split(' ').filter(Boolean)
}

/** A header or parameter is read up to this length. */
const longestText = 500

/** The tags of the header, the preferred one first, without those that the browser refuses. */
function acceptedOf(header = ''): string[] {
  return header
    .slice(0, longestText)
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.split(';').map((each) => each.trim())
      const quality = parameters.find((each) => each.startsWith('q='))
      return { tag, weight: quality === undefined ? 1 : Number(quality.slice(2)) }
    })
    .filter(({ weight }) => weight > 0)
    .sort((one, other) => other.weight - one.weight)
    .map(({ tag }) => tag)
}
