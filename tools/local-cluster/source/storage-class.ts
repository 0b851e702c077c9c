import { parseAllDocuments, stringify } from 'yaml'

/** A Kubernetes object, of which only what is changed here has a type. */
interface Manifest {
  kind: string
  metadata: { name: string; annotations?: Record<string, string> }
  data?: Record<string, string>
  spec?: { template?: { spec: { tolerations?: object[]; containers: { image: string }[] } } }
}

/**
 * local-path-provisioner's own manifest as the cluster's default StorageClass `standard`, with images that the node has.
 *
 * @param manifest its deploy/local-path-storage.yaml
 */
export function localPathStorage(
  manifest: string,
  { provisionerImage, helperImage }: { provisionerImage: string; helperImage: string },
): string {
  const objects = parseAllDocuments(manifest)
    .map((document): Manifest | null => document.toJS())
    .filter((object) => object !== null)
  for (const object of objects) {
    if (object.kind === 'StorageClass') {
      object.metadata.name = 'standard'
      object.metadata.annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' }
    }
    const pod = object.spec?.template?.spec
    if (pod !== undefined) {
      pod.tolerations = [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }]
      for (const container of pod.containers) container.image = provisionerImage
    }
    const helper = object.data?.['helperPod.yaml']
    if (object.data !== undefined && helper !== undefined) {
      object.data['helperPod.yaml'] = helper.replace(/image: .*/, `image: ${helperImage}`)
    }
  }
  return objects.map((object) => stringify(object)).join('---\n')
}
