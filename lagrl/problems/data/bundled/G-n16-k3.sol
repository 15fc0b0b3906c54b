Route #1: 5 11 10 12 13
Route #2: 1 7 2 14
Route #3: 8 3 4 15 6 9
Cost 5098
