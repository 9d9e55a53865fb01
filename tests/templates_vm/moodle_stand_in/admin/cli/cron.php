<?php
// Nothing to do.
