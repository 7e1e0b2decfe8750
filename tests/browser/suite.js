// The browser suite: every scenario, in one process, so that Chromium and Keycloak start once.
import { after } from 'node:test';

import { closeStage, openStage } from '../harness/stage.js';

await openStage();
after(closeStage);

await import('./password.js');
await import('./account.js');
await import('./forgotten.js');
await import('./keycloak.js');
await import('./certified.js');
await import('./clients.js');
await import('./prompts.js');
await import('./departures.js');
await import('./told.js');
await import('./travellers.js');
await import('./ways.js');
await import('./demo.js');
await import('./openapi.js');
await import('./single_page.js');
await import('./faults.js');
await import('./refusals.js');
await import('./trouble.js');
await import('./proxy.js');
await import('./front.js');
await import('./pages.js');
await import('./states.js');
// Last: it looks at what the others have looked at.
await import('./screens.js');
