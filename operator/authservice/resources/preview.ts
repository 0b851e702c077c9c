import { onlyOnce } from './ingress.ts'
import { controllerOf, generalAnnotations, hostAnnotations } from './ingress-controllers.ts'
import { metadataOf } from './metadata.ts'
import type { Child, RenderInput } from './render-input.ts'
import { previewName } from './server.ts'

/**
 * What leads `previewHost` to the colour without the traffic, while there is one. An object of its own, so that its
 * coming and going touches nothing of the way to the live colour. The limits are the server's: few know the name.
 */
export function renderPreview(input: RenderInput): Child[] {
  const { ingress, rollout } = input.resolved
  const { previewHost } = rollout.blueGreen
  if (previewHost === undefined || input.placement.previewColor === undefined) return []
  switch (ingress.type) {
    case 'Ingress':
      return [previewIngress(input, previewHost)]
    case 'Gateway':
      return [previewRoute(input, previewHost)]
    case 'Nginx': // its configuration has both hosts all the time: pods take a minute to see another one
    case 'None':
      return []
  }
}

function previewIngress(input: RenderInput, host: string): Child {
  const { ingress, traits } = input.resolved
  const controller = controllerOf(input.front)
  const own = Object.entries(ingress.annotations).filter(([key]) => !onlyOnce.test(key))
  const annotations = {
    ...generalAnnotations(controller),
    ...hostAnnotations(controller, traits.hsts),
    ...Object.fromEntries(own),
  }
  const { tls, className } = ingress
  const secretName = tls.kind === 'provided' || tls.kind === 'issued' ? tls.secretName : undefined
  const backend = { service: { name: previewName(input), port: { name: 'http' } } }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      ...metadataOf(input, previewName(input), 'edge'),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    spec: {
      ...(className !== undefined && { ingressClassName: className }),
      rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
      tls: [{ hosts: [host], ...(secretName !== undefined && { secretName }) }],
    },
  }
}

function previewRoute(input: RenderInput, host: string): Child {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: metadataOf(input, previewName(input), 'edge'),
    spec: {
      parentRefs: input.resolved.ingress.parentRefs,
      hostnames: [host],
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: '/' } }],
          backendRefs: [{ name: previewName(input), port: 80 }],
        },
      ],
    },
  }
}
