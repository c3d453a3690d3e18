import { said } from '../live';

/** The latest sentence said; assistive technology reads it aloud. */
export const Said = () => <p class={`said ${said.value.bad ? 'trouble' : ''}`} role="status" aria-live="polite">{said.value.text}</p>;
