<?php
// Only its name matters.
