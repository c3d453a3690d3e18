import { render } from 'preact';
import { App } from './app';
import * as outbox from './outbox';
import { restore } from './session';
import './style/base.css';
import './style/desk.css';
import './style/functions.css';
import './style/item.css';
import './style/marks.css';
import './style/progress.css';

outbox.start();
void restore();
render(<App />, document.getElementById('app')!);
